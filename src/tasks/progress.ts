import { EventEmitter, on } from 'node:events'
import type { StoredImage } from '../../contract/image.ts'
import type { Spooled } from '../bytes/spooled.ts'

/** What happens to a task while it runs, in order. `finished` is the last one. */
export type TaskEvent =
  | { type: 'progress'; percent?: number; stage?: string }
  /** A preview; its file lives only as long as the run, so a slow listener may find it gone. */
  | { type: 'partial'; index: number; partialIndex: number; picture: Spooled }
  | { type: 'image'; image: StoredImage }
  | { type: 'finished' }

/** Tells listeners in this process what happens to a task. */
export interface Progress {
  publish(taskId: string, event: TaskEvent): void
  /** Listens from the moment of the call until `finished` or the signal. Events wait for a slow reader. */
  listen(taskId: string, signal?: AbortSignal): AsyncIterable<TaskEvent>
}

export function createProgress(): Progress {
  const emitter = new EventEmitter()
  emitter.setMaxListeners(0)
  return {
    publish: (taskId, event) => void emitter.emit(taskId, event),
    listen: (taskId, signal) => untilFinished(on(emitter, taskId, signal ? { signal } : {})),
  }
}

async function* untilFinished(events: AsyncIterable<TaskEvent[]>): AsyncIterable<TaskEvent> {
  for await (const [event] of events) {
    if (event === undefined) continue
    yield event
    if (event.type === 'finished') return
  }
}
