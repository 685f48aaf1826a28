import type { WebSocket } from 'ws'
import { BATCH_CLOSE } from '../../../contract/batch.ts'
import type { StoredImage } from '../../../contract/image.ts'
import { isFinal } from '../../gateway/accept.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import type { Finished } from '../../gateway/generate.ts'
import { loadWithImages } from '../../gateway/run.ts'
import { lastMessages, progressMessage } from './messages.ts'
import type { Reader } from './reply.ts'

/** The tasks that somebody listens to. Each is followed once, and each message is made once for all who read it alike. */
export interface Watches {
  /** Tells a listener how a task stands and what happens to it until its end; false when this owner has no such task. */
  join(taskId: string, owner: string, reader: Reader, socket: WebSocket): Promise<boolean>
}

interface Watch {
  /** How the task stands, as far as its listeners were told. */
  state: Finished
  audience: Map<string, Group>
  ended: AbortController
}

/** Listeners whose messages are the same. */
interface Group {
  reader: Reader
  sockets: Set<WebSocket>
}

/**
 * How often a task is looked at, in ms: one that may run in another process, and one that only runs here and is looked
 * at so that its listeners hear something. (A known client takes 15 s of silence for a broken line.)
 */
const LOOK_EVERY = { shared: 1000, alone: 10_000 }

export function createWatches(gateway: Gateway): Watches {
  const watches = new Map<string, Watch>()
  const lookEvery = gateway.database.engine === 'sqlite' ? LOOK_EVERY.alone : LOOK_EVERY.shared

  function open(state: Finished): Watch {
    const { id } = state.task
    const watch: Watch = { state, audience: new Map(), ended: new AbortController() }
    watches.set(id, watch)
    void follow(gateway, watch, lookEvery)
      .catch((error: unknown) => {
        gateway.log.error({ err: error, task: id }, 'cannot follow a task')
        closeAll(watch, BATCH_CLOSE.fault)
      })
      .finally(() => close(watch))
    return watch
  }

  function close(watch: Watch): void {
    const { id } = watch.state.task
    watch.ended.abort()
    if (watches.get(id) === watch) watches.delete(id)
  }

  return {
    join: async (taskId, owner, reader, socket) => {
      const state = await loadWithImages(gateway, owner, taskId)
      if (state === undefined) return false
      if (socket.readyState !== socket.OPEN) return true
      if (isFinal(state.task)) {
        for (const message of lastMessages(state, reader)) socket.send(message)
        socket.close(BATCH_CLOSE.done)
        return true
      }
      const watch = watches.get(taskId) ?? open(state)
      const leave = enter(watch, reader, socket)
      socket.once('close', () => {
        leave()
        if (watch.audience.size === 0) close(watch)
      })
      socket.send(progressMessage(watch.state, watch.state.images.at(-1), reader))
      return true
    },
  }
}

function enter({ audience }: Watch, reader: Reader, socket: WebSocket): () => void {
  const key = `${reader.language} ${reader.baseUrl}`
  const group = audience.get(key) ?? { reader, sockets: new Set() }
  audience.set(key, group)
  group.sockets.add(socket)
  return () => {
    group.sockets.delete(socket)
    if (group.sockets.size === 0 && audience.get(key) === group) audience.delete(key)
  }
}

/** Follows a task to its end: what happens in this process is told at once, anything else when it is looked at. */
async function follow(gateway: Gateway, watch: Watch, lookEvery: number): Promise<void> {
  const { id, owner } = watch.state.task
  const { signal } = watch.ended
  // Who opened the watch has been told how the task stands.
  let isFirst = true
  while (!signal.aborted) {
    const round = AbortSignal.any([signal, AbortSignal.timeout(lookEvery)])
    const events = gateway.progress.listen(id, round)
    const found = await loadWithImages(gateway, owner, id)
    if (found === undefined) return closeAll(watch, BATCH_CLOSE.unknownTask)
    const isNews = !isFirst || found.task.completed !== watch.state.task.completed
    watch.state = found
    if (isFinal(found.task)) return finish(watch)
    if (isNews) tell(watch, (reader) => [progressMessage(found, found.images.at(-1), reader)])
    isFirst = false
    try {
      for await (const event of events) if (event.type === 'image') tellOf(watch, event.image)
    } catch (error) {
      if (!round.aborted) throw error
    }
  }
}

function tellOf(watch: Watch, image: StoredImage): void {
  const { task, images } = watch.state
  if (images.some(({ id }) => id === image.id)) return
  const completed = Math.min(task.total, task.completed + 1)
  const state = { task: { ...task, completed }, images: [...images, image] }
  watch.state = state
  tell(watch, (reader) => [progressMessage(state, image, reader)])
}

function finish(watch: Watch): void {
  tell(watch, (reader) => lastMessages(watch.state, reader))
  closeAll(watch, BATCH_CLOSE.done)
}

/** A listener that is so many bytes behind is not sent more until it has caught up. */
const MOST_BEHIND = 1024 * 1024

function tell({ audience }: Watch, messagesFor: (reader: Reader) => readonly string[]): void {
  for (const { reader, sockets } of audience.values()) {
    const messages = messagesFor(reader)
    for (const socket of sockets)
      if (socket.bufferedAmount < MOST_BEHIND) for (const message of messages) socket.send(message)
  }
}

function closeAll({ audience }: Watch, code: number): void {
  for (const { sockets } of audience.values()) for (const socket of sockets) socket.close(code)
}
