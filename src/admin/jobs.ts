import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/error.ts'
import type { Logger } from '../base/log.ts'

/** Work that comes round. */
export interface Job {
  name: string
  /** What it does, for people. */
  description: string
  /** Time from one start to the next, in ms. */
  interval: number
  /** Resolves with the result in a few words. */
  run(signal: AbortSignal): Promise<string>
}

export interface JobStatus {
  name: string
  description: string
  /** In seconds. */
  interval: number
  running: boolean
  /** Ms since the epoch; null before the first run. */
  last_started_at: number | null
  last_ended_at: number | null
  /** What the last run that ended well did. */
  last_result: string | null
  /** Why the last run failed; null when it did not. */
  last_error: string | null
  next_run_at: number
  runs: number
  failures: number
}

/** Every scheduled job of this process. */
export interface Jobs {
  /** Starts a job at once and then with every interval, until the jobs are stopped. */
  add(job: Job): void
  status(): JobStatus[]
  /**
   * Runs a job by hand and resolves when it has ended. One that runs just now may have overlooked what the caller means, so
   * it runs once more after that, for all who ask meanwhile.
   *
   * @throws {AppError} `not_found`
   */
  run(name: string): Promise<JobStatus>
  /** Ends all of them and waits for those that run. */
  stop(): Promise<void>
}

export function createJobs({ clock, log }: { clock: Clock; log: Logger }): Jobs {
  const stopping = new AbortController()
  const jobs = new Map<
    string,
    {
      status: JobStatus
      timer: NodeJS.Timeout
      run: () => Promise<void>
      current: () => Promise<void> | undefined
    }
  >()

  function add(job: Job): void {
    const { name, description, interval } = job
    const status = beginning(name, description, interval, clock.now())
    let current: Promise<void> | undefined
    let next: Promise<void> | undefined
    const start = () => {
      if (stopping.signal.aborted) return Promise.resolve()
      current = runOnce(job, status).finally(() => {
        current = undefined
      })
      return current
    }
    const run = () => {
      if (current === undefined) return start()
      next ??= current.then(() => {
        next = undefined
        return start()
      })
      return next
    }
    const scheduled = () => {
      status.next_run_at = clock.now() + interval
      if (current === undefined) void start()
    }
    const timer = setInterval(scheduled, interval).unref()
    jobs.set(name, { status, timer, run, current: () => current })
    scheduled()
  }

  async function runOnce(job: Job, status: JobStatus): Promise<void> {
    Object.assign(status, { running: true, last_started_at: clock.now(), runs: status.runs + 1 })
    try {
      status.last_result = await job.run(stopping.signal)
      status.last_error = null
    } catch (error) {
      if (stopping.signal.aborted) return
      status.failures += 1
      status.last_error = error instanceof Error ? error.message : String(error)
      log.warn({ err: error, job: job.name }, 'a scheduled job failed')
    } finally {
      Object.assign(status, { running: false, last_ended_at: clock.now() })
    }
  }

  return {
    add,
    status: () => [...jobs.values()].map(({ status }) => ({ ...status })),
    run: async (name) => {
      const job = jobs.get(name)
      if (job === undefined) throw new AppError('not_found', { values: { what: `job ${name}` } })
      await job.run()
      return { ...job.status }
    },
    stop: async () => {
      stopping.abort()
      for (const { timer } of jobs.values()) clearInterval(timer)
      await Promise.all([...jobs.values()].map(({ current }) => current()))
    },
  }
}

const beginning = (name: string, description: string, interval: number, now: number): JobStatus => ({
  name,
  description,
  interval: interval / 1000,
  running: false,
  last_started_at: null,
  last_ended_at: null,
  last_result: null,
  last_error: null,
  next_run_at: now + interval,
  runs: 0,
  failures: 0,
})
