import type { StoredImage } from '../../contract/image.ts'
import { AppError } from '../base/error.ts'
import { localBlob } from '../library/blob.ts'
import { imagesOfTask } from '../library/find.ts'
import type { Inputs } from '../providers/provider.ts'
import {
  findInputs,
  findTask,
  findTaskToRun,
  finishTask,
  startTask,
  type TaskRecord,
  type TaskResult,
  unfinishedTasks,
} from '../tasks/task-table.ts'
import { type Accepted, isFinal } from './accept.ts'
import type { Run } from './attempt.ts'
import type { Gateway } from './gateway.ts'
import { type Finished, generate } from './generate.ts'
import { signaturesOf } from './signatures.ts'

/** The queue that async jobs wait in, and the one for telling about their end. */
export const GENERATE_QUEUE = 'generate'
export const WEBHOOK_QUEUE = 'webhook'

/** Runs a freshly accepted task for a client that waits for it. */
export async function runNow(
  gateway: Gateway,
  accepted: Accepted,
  run: Omit<Run, 'cancelled'>,
): Promise<Finished> {
  const { task, inputs } = accepted
  try {
    return await generate(gateway, task, inputs, {
      ...run,
      cancelled: gateway.cancellations.signalFor(task.id),
    })
  } finally {
    gateway.cancellations.forget(task.id)
  }
}

/** Hands a freshly accepted task to the queue. */
export async function runLater(gateway: Gateway, task: TaskRecord): Promise<void> {
  await gateway.queue.add(GENERATE_QUEUE, { task: task.id }, { id: task.id, attempts: 1_000_000 })
}

/** After so many tries that the process did not survive, a task is given up: it may be what kills it. */
const MOST_ATTEMPTS = 10

/** Refuses new async jobs while too many wait. */
export async function checkQueue(gateway: Gateway): Promise<void> {
  const { [GENERATE_QUEUE]: depth } = await gateway.queue.depth()
  if (depth && depth.waiting >= gateway.settings.queueLimit)
    throw new AppError('queue_full', { retryAfter: 30 })
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
  else if (await startTask(query, taskId, gateway.clock.now())) await runTask(gateway, task, stopping)
  await announce(gateway, task)
}

async function runTask(gateway: Gateway, task: TaskRecord, stopping: AbortSignal): Promise<void> {
  await using spool = gateway.spools.scope()
  const run = { spool, cancelled: gateway.cancellations.signalFor(task.id), stopping, abandoned: NEVER }
  try {
    const already = await imagesOfTask(gateway.library, task.id)
    await generate(gateway, task, await loadInputs(gateway, task), run, already)
  } finally {
    gateway.cancellations.forget(task.id)
  }
}

/** Has the end of a task told to its webhook, at least once. */
async function announce(gateway: Gateway, task: TaskRecord): Promise<void> {
  if (task.webhookUrl === undefined) return
  await gateway.queue.add(WEBHOOK_QUEUE, { task: task.id }, { id: `webhook:${task.id}`, attempts: 8 })
}

/** Ends a job: takes it out of the queue, or stops it where it runs. Pictures that have arrived stay. */
export async function cancelTask(gateway: Gateway, task: TaskRecord): Promise<void> {
  const waiting = await gateway.queue.remove(task.id)
  const running = gateway.cancellations.cancel(task.id)
  if (waiting || !running) {
    const result = {
      ...task,
      status: 'cancelled' as const,
      failed: task.total,
      error: new AppError('job_cancelled'),
    }
    await finishTask(gateway.database.query, task.id, result, gateway.clock.now())
    gateway.progress.publish(task.id, { type: 'finished' })
    await announce(gateway, task)
  }
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
  await finishTask(gateway.database.query, task.id, interrupted(task, images), gateway.clock.now())
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
