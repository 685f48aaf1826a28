import type { Kysely } from 'kysely'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Schema } from '../../db/schema.ts'
import {
  type Claim,
  claimJob,
  findHeld,
  findWaiting,
  finishJob,
  releaseJob,
  renewLeases,
  type WaitingJob,
} from './job-table.ts'
import type { JobHandler } from './queue.ts'
import { isDead, newWorkerName } from './worker-name.ts'

/** In ms. */
export interface Timing {
  /** Between two looks for jobs that other processes left; jobs of this process are seen at once. */
  poll: number
  /** After this time without a sign of life a worker is believed to be dead. */
  lease: number
  /** Before the second attempt; doubles each time. */
  retry: number
}

export interface WorkerOptions {
  query: Kysely<Schema>
  clock: Clock
  log: Logger
  timing: Timing
  queue: string
  concurrency: number
  handler: JobHandler
}

interface Running {
  claim: Claim
  controller: AbortController
  ended: Promise<void>
}

/** For handlers that were told to stop, in ms. */
const LAST_WORDS = 1000
const LONGEST_RETRY = 5 * 60 * 1000

/** Runs the jobs of one queue from the moment it is made. */
export class Worker {
  readonly #options: WorkerOptions
  readonly #log: Logger
  readonly #name = newWorkerName()
  readonly #running = new Map<string, Running>()
  #closed = false
  #closing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #ticking: Promise<void>
  #wanted = false
  #filling: Promise<void> | undefined

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#log = options.log.child({ queue: options.queue })
    this.#ticking = this.#tick(Number.NEGATIVE_INFINITY)
  }

  /** There may be something to do. */
  wake(): void {
    if (this.#closed) return
    this.#wanted = true
    this.#filling ??= this.#fill()
  }

  /** See `Queue.close`. */
  close(grace: number): Promise<void> {
    this.#closing ??= this.#close(grace)
    return this.#closing
  }

  async #close(grace: number): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await Promise.all([this.#ticking, this.#filling])
    await within(this.#allEnded(), grace)
    for (const { controller } of this.#running.values())
      controller.abort(new Error('the process is stopping'))
    await within(this.#allEnded(), LAST_WORDS)
    await Promise.all([...this.#running.values()].map(({ claim }) => this.#handBack(claim)))
  }

  #allEnded = () => Promise.all([...this.#running.values()].map(({ ended }) => ended))

  async #tick(maintained: number): Promise<void> {
    const { poll, lease } = this.#options.timing
    const due = performance.now() - maintained >= lease / 3
    if (due) await this.#maintain()
    this.wake()
    if (this.#closed) return
    const again = () => {
      this.#ticking = this.#tick(due ? performance.now() : maintained)
    }
    this.#timer = setTimeout(again, poll * (0.75 + Math.random() / 2)).unref()
  }

  async #maintain(): Promise<void> {
    try {
      await this.#renew()
      await this.#takeOver()
    } catch (error) {
      this.#log.error({ err: error }, 'cannot look after the queue')
    }
  }

  async #renew(): Promise<void> {
    if (this.#running.size === 0) return
    const { query, clock, timing } = this.#options
    const held = [...this.#running]
    const ids = held.map(([id]) => id)
    const own = await renewLeases(query, this.#name, ids, clock.now() + timing.lease)
    for (const [id, { controller }] of held) {
      if (!own.has(id)) controller.abort(new Error('another worker took this job over'))
    }
  }

  /**
   * Jobs of dead workers wait again. One whose attempts are used up may be what kills the process, so it ends as
   * failed, or every start would die of it.
   */
  async #takeOver(): Promise<void> {
    const { query, clock, queue } = this.#options
    for (const job of await findHeld(query, queue)) {
      if (job.leaseUntil > clock.now() && !isDead(job.worker)) continue
      this.#log.warn({ job: job.id, attempt: job.attempt }, 'a job was interrupted')
      if (job.attempt < job.maxAttempts) await this.#handBack(job)
      else await releaseJob(query, job, { state: 'failed', error: 'interrupted in every attempt' })
    }
  }

  async #fill(): Promise<void> {
    while (this.#wanted && !this.#closed) {
      this.#wanted = false
      try {
        await this.#take()
      } catch (error) {
        this.#log.error({ err: error }, 'cannot take jobs from the queue')
      }
    }
    this.#filling = undefined
  }

  async #take(): Promise<void> {
    const { query, clock, timing, queue, concurrency } = this.#options
    const free = concurrency - this.#running.size
    if (free <= 0) return
    const found = await findWaiting(query, queue, clock.now(), free)
    // Some of them may go to others, so there can be more for us.
    this.#wanted ||= found.length === free
    for (const job of found) {
      if (this.#closed) return
      const claim = await claimJob(query, job, this.#name, clock.now() + timing.lease)
      if (claim) this.#start(claim, job)
    }
  }

  #start(claim: Claim, job: WaitingJob): void {
    const controller = new AbortController()
    const ended = this.#run(claim, job, controller.signal)
      .catch((error: unknown) =>
        this.#log.error({ err: error, job: job.id }, 'cannot write down how a job ended'),
      )
      .finally(() => {
        this.#running.delete(job.id)
        this.wake()
      })
    this.#running.set(job.id, { claim, controller, ended })
  }

  async #run(claim: Claim, job: WaitingJob, signal: AbortSignal): Promise<void> {
    const { query, handler } = this.#options
    try {
      await handler({ id: job.id, payload: JSON.parse(job.payload), attempt: claim.attempt, signal })
    } catch (error) {
      if (signal.aborted) return this.#handBack(claim)
      this.#log.warn({ err: error, job: job.id, attempt: claim.attempt }, 'a job failed')
      return this.#retry(claim, job, messageOf(error))
    }
    await finishJob(query, claim)
  }

  #handBack(claim: Claim): Promise<void> {
    const { query, clock } = this.#options
    return releaseJob(query, claim, { state: 'waiting', run_at: clock.now() })
  }

  #retry(claim: Claim, job: WaitingJob, error: string): Promise<void> {
    const { query, clock, timing } = this.#options
    if (claim.attempt >= job.max_attempts) return releaseJob(query, claim, { state: 'failed', error })
    const pause = Math.min(timing.retry * 2 ** (claim.attempt - 1), LONGEST_RETRY)
    const run_at = clock.now() + Math.round(pause * (0.75 + Math.random() / 2))
    return releaseJob(query, claim, { state: 'waiting', run_at, error })
  }
}

/** Waits for a promise, but not longer than `limit` ms. */
async function within(promise: Promise<unknown>, limit: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limit)
  })
  await Promise.race([promise, over])
  clearTimeout(timer)
}

/** PostgreSQL's text takes every character but NUL. */
const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : 'unknown error').replaceAll('\0', '').slice(0, 2000)
