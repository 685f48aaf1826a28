import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyRequest } from 'fastify'
import type { Accepted } from '../gateway/accept.ts'
import type { Gateway } from '../gateway/gateway.ts'
import type { Finished } from '../gateway/generate.ts'
import { runNow, waitForTask } from '../gateway/run.ts'
import type { TaskEvent } from '../tasks/progress.ts'
import type { TaskRecord } from '../tasks/task-table.ts'
import { holdSpool } from './body.ts'

/** Runs a task while its client waits, or joins the run of the same request sent before. `gone`: the client has left. */
export function performTask(
  gateway: Gateway,
  accepted: Accepted,
  gone: AbortSignal,
  request: FastifyRequest,
): Promise<Finished> {
  const { task, repeated } = accepted
  // Whoever sent a key can come back for the answer, so the run goes on without him.
  const abandoned = task.idempotencyKey === undefined ? gone : NEVER
  return holdSpool(
    request,
    repeated
      ? waitForTask(gateway, task, gone)
      : runNow(gateway, accepted, { spool: request.spool, abandoned }),
  )
}

const NEVER = new AbortController().signal

/** The pictures of a finished task; throws its error where there are none. */
export function throwIfFailed(finished: Finished): Finished {
  if (finished.images.length === 0 && finished.task.error) throw finished.task.error
  return finished
}

/** What a stream needs of a task. To be called before the run begins, so that nothing is missed. */
export interface Watch {
  events: AsyncIterable<TaskEvent>
  /** Waits until the stream may begin: a picture is there, or it takes long. Throws what failed before that. */
  begun(finished: Promise<Finished>): Promise<void>
}

export function watchTask({ progress }: Gateway, task: TaskRecord): Watch {
  const first = progress.listen(task.id)
  const events = progress.listen(task.id)
  return {
    events,
    begun: async (finished) => {
      const succeeded = finished.then(throwIfFailed)
      await Promise.race([succeeded, firstPicture(first, succeeded), sleep(PATIENCE)])
    },
  }
}

/** How long a stream waits with its first byte, in ms, so that a quick refusal can still be a plain HTTP error. */
const PATIENCE = 2000

/** The events end a moment before the run does, so without a picture the run has the last word. */
async function firstPicture(events: AsyncIterable<TaskEvent>, succeeded: Promise<unknown>): Promise<void> {
  for await (const event of events) if (event.type === 'partial' || event.type === 'image') return
  await succeeded
}
