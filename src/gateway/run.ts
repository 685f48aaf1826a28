import type { StoredImage } from '../../contract/image.ts'
import type { Caller } from '../access/keys.ts'
import { AppError } from '../base/error.ts'
import { newId } from '../base/id.ts'
import { localBlob } from '../library/blob.ts'
import { imagesOfTask } from '../library/find.ts'
import type { Inputs } from '../providers/provider.ts'
import { findInputs } from '../tasks/task-input-table.ts'
import {
  countUnfinished,
  findTask,
  findTaskToRun,
  restartTask,
  startTask,
  type TaskRecord,
  type TaskResult,
  unfinishedTasks,
} from '../tasks/task-table.ts'
import { type Accepted, isFinal } from './accept.ts'
import type { Run } from './attempt.ts'
import { candidatesFor } from './candidates.ts'
import { type Credential, sealCredential } from './credential.ts'
import { cancelled, endTask } from './end-task.ts'
import type { Gateway } from './gateway.ts'
import { type Finished, generate } from './generate.ts'
import { checkAllowed, planReservation, reserve } from './limits.ts'
import { signaturesOf } from './signatures.ts'

/** The queue that async jobs wait in, and the one for telling about their end. */
export const GENERATE_QUEUE = 'generate'
export const WEBHOOK_QUEUE = 'webhook'

/** Runs a freshly accepted task for a client that waits for it. */
export async function runNow(
  gateway: Gateway,
  accepted: Accepted,
  run: Pick<Run, 'spool' | 'abandoned'>,
): Promise<Finished> {
  const { task, inputs } = accepted
  try {
    return await generate(gateway, task, inputs, {
      ...run,
      ...gateway.cancellations.signalsFor(task.id),
    })
  } finally {
    gateway.cancellations.forget(task.id)
  }
}

/** Hands a freshly accepted task to the queue. @param again for a run after its first, whose job may not be gone yet */
export async function runLater(gateway: Gateway, task: TaskRecord, again = false): Promise<void> {
  const id = again ? newId() : task.id
  await gateway.queue.add(GENERATE_QUEUE, { task: task.id }, { id, attempts: 1_000_000 })
}

/** After so many tries that the process did not survive, a task is given up: it may be what kills it. */
const MOST_ATTEMPTS = 10

/**
 * How many of so many pictures the queue takes: at least one, at most as many as may wait beside those under way.
 * @throws AppError `queue_full`
 */
export async function roomFor(gateway: Gateway, pictures: number): Promise<number> {
  const { queueLimit, workers } = gateway.settings
  const room = queueLimit + workers - (await countUnfinished(gateway.database.query))
  if (room <= 0) throw new AppError('queue_full', { retryAfter: 30 })
  return Math.min(room, pictures)
}

/** A task of this owner as the database has it, with the pictures that have arrived. */
export async function loadWithImages(
  gateway: Gateway,
  owner: string,
  id: string,
): Promise<Finished | undefined> {
  const task = await findTask(gateway.database.query, owner, id)
  return task && { task, images: (await imagesOfTask(gateway.library, id)).slice(0, task.total) }
}

/** Waits for a task that runs elsewhere: told at once when it ends in this process, found by looking when in another. */
export async function waitForTask(
  gateway: Gateway,
  task: TaskRecord,
  signal: AbortSignal,
): Promise<Finished> {
  for (;;) {
    const round = AbortSignal.any([signal, AbortSignal.timeout(LOOK_EVERY)])
    const events = gateway.progress.listen(task.id, round)
    const found = await loadWithImages(gateway, task.owner, task.id)
    if (found === undefined) throw new AppError('job_not_found')
    if (isFinal(found.task)) return found
    await drain(events, round)
    signal.throwIfAborted()
  }
}

const LOOK_EVERY = 1000

/** Runs a task that the queue hands out. Pictures that an earlier, interrupted run delivered are not asked for again. */
export async function runQueued(
  gateway: Gateway,
  taskId: string,
  attempt: number,
  stopping: AbortSignal,
): Promise<void> {
  const { query } = gateway.database
  const task = await findTaskToRun(query, taskId)
  if (task === undefined) return
  if (attempt > MOST_ATTEMPTS) await giveUp(gateway, task)
  else await runTask(gateway, task, stopping)
  await announce(gateway, task)
}

async function runTask(gateway: Gateway, task: TaskRecord, stopping: AbortSignal): Promise<void> {
  await using spool = gateway.spools.scope()
  const signals = gateway.cancellations.signalsFor(task.id)
  const run: Run = { spool, ...signals, stopping, abandoned: NEVER, patient: true }
  try {
    if (!(await begin(gateway, task, run))) return
    const already = await imagesOfTask(gateway.library, task.id)
    await generate(gateway, task, await loadInputs(gateway, task), run, already)
  } finally {
    gateway.cancellations.forget(task.id)
  }
}

/** A job runs from its first turn on; false for one that was stopped before. */
async function begin(gateway: Gateway, task: TaskRecord, run: Run): Promise<boolean> {
  const signal = AbortSignal.any([run.cancelled, run.halted ?? NEVER, run.stopping ?? NEVER])
  const leave = await gateway.turns.take(task.id, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error
    return undefined
  })
  leave?.()
  run.stopping?.throwIfAborted()
  return leave !== undefined && (await startTask(gateway.database.query, task.id, gateway.clock.now()))
}

/** Has the end of a task told to its webhook, at least once. */
async function announce(gateway: Gateway, task: TaskRecord): Promise<void> {
  if (task.webhookUrl === undefined) return
  await gateway.queue.add(WEBHOOK_QUEUE, { task: task.id }, { id: `webhook:${task.id}`, attempts: 8 })
}

/**
 * Ends a job: takes it out of the queue, or stops it where it runs, at once or (`halted`) when the calls under way have
 * ended. Pictures that have arrived stay.
 */
export async function cancelTask(
  gateway: Gateway,
  task: TaskRecord,
  how: 'cancelled' | 'halted' = 'cancelled',
): Promise<void> {
  const waiting = await gateway.queue.remove(task.id)
  const running = task.status === 'running' && gateway.cancellations.stop(task.id, how)
  if (running && !waiting) return
  await endTask(gateway, task, { result: cancelled(task), now: gateway.clock.now() })
  gateway.cancellations.stop(task.id, how)
  gateway.progress.publish(task.id, { type: 'finished' })
  await announce(gateway, task)
}

/**
 * Asks once more for what a task did not bring.
 * @throws AppError `invalid_value` when there is nothing to ask for, and what the caller's key does not allow
 */
export async function retryTask(
  gateway: Gateway,
  task: TaskRecord,
  caller: Caller,
  credential?: Credential,
): Promise<TaskRecord> {
  checkAllowed(gateway, caller, task.job.model)
  candidatesFor(gateway, task.job, { credential, pool: task.pool })
  const sealed = credential && sealCredential(gateway, task.id, credential)
  const there = (await imagesOfTask(gateway.library, task.id)).filter(({ position }) => position < task.total)
  const reservation = planReservation(gateway, caller, task.total - there.length)
  const restarted = await gateway.database.query.transaction().execute(async (query) => {
    if (!(await restartTask(query, task.id, sealed, reservation))) return false
    await reserve(gateway, query, reservation)
    return true
  })
  if (!restarted) {
    const detail = isFinal(task) ? 'all of its pictures are there.' : 'it is still running.'
    throw new AppError('invalid_value', { param: 'taskId', values: { detail } })
  }
  await runLater(gateway, task, true)
  return { ...task, status: 'queued', failed: 0, error: undefined, finishedAt: undefined }
}

/**
 * Puts right what a crash left: async jobs go back to the queue (each at most once, by its id), sync ones are closed as
 * interrupted, because nobody waits for them and asking again might cost twice. `before` keeps other processes' live
 * requests out of it: only tasks created earlier are touched.
 */
export async function recover(gateway: Gateway, before: number): Promise<void> {
  const { query } = gateway.database
  for (const task of await unfinishedTasks(query, 'async', before, 10_000)) {
    await runLater(gateway, task)
  }
  for (const task of await unfinishedTasks(query, 'sync', before, 10_000)) await giveUp(gateway, task)
}

/** Closes a task as interrupted, with the pictures that it has. */
async function giveUp(gateway: Gateway, task: TaskRecord): Promise<void> {
  const images = await imagesOfTask(gateway.library, task.id)
  const [first] = images
  const drawn = first && {
    provider: first.provider,
    model: first.upstreamModel,
    pictures: [],
    usage: undefined,
  }
  await endTask(gateway, task, {
    result: interrupted(task, images),
    now: gateway.clock.now(),
    drawn: drawn ? [drawn] : [],
  })
}

function interrupted(task: TaskRecord, images: readonly StoredImage[]): TaskResult {
  const completed = Math.min(images.length, task.total)
  const failed = task.total - completed
  const error = new AppError('interrupted')
  if (failed === 0) return { ...task, status: 'completed', completed, failed }
  if (completed === 0) return { ...task, status: 'failed', completed, failed, error }
  const message = `${failed} of ${task.total} pictures failed: ${error.message}`
  return { ...task, status: 'partial', completed, failed, warnings: [{ param: 'n', message }] }
}

/** Nobody holds the line for an async job, so nobody can leave. */
const NEVER = new AbortController().signal

async function loadInputs(gateway: Gateway, { id, owner }: TaskRecord): Promise<Inputs> {
  const inputs = await findInputs(gateway.database.query, id)
  const load = (role: 'image' | 'mask') =>
    Promise.all(
      inputs.filter((input) => input.role === role).map((input) => localBlob(gateway.library, input.sha256)),
    )
  const [mask] = await load('mask')
  const images = await load('image')
  return { images, mask, signatures: await signaturesOf(gateway.library, owner, images) }
}

async function drain(events: AsyncIterable<unknown>, signal: AbortSignal): Promise<void> {
  try {
    for await (const _ of events);
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
