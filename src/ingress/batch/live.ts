import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import { BATCH_CLOSE } from '../../../contract/batch.ts'
import { isId } from '../../base/id.ts'
import type { Surface } from '../surface.ts'
import { readerOf } from './tasks.ts'
import { createWatches } from './watches.ts'

/** Between two pings, in ms. A listener that did not answer the one before is gone. */
const PING_EVERY = 20_000

/** `WS /ws/generate/{taskId}`: what happens to a batch, as it happens. */
export function liveRoutes(app: FastifyInstance, surface: Surface): void {
  const { gateway, settings } = surface
  const watches = createWatches(gateway)
  const listeners = new Set<WebSocket>()
  app.addHook('preClose', async () => {
    for (const socket of listeners) socket.close(BATCH_CLOSE.goingAway)
  })

  app.get(
    '/ws/generate/:taskId',
    { websocket: true, schema: { hide: true } },
    async (socket: WebSocket, request: FastifyRequest) => {
      if (listeners.size >= settings.webSocketLimit) return socket.close(BATCH_CLOSE.tooMany)
      listeners.add(socket)
      socket.once('close', () => listeners.delete(socket))
      // A broken connection closes, too; without a listener the error would end the process.
      socket.on('error', () => socket.terminate())
      keepAlive(socket)
      const { taskId } = request.params as { taskId: string }
      const reader = readerOf(surface, request)
      const found = isId(taskId) && (await watches.join(taskId, request.caller.owner, reader, socket))
      if (!found) socket.close(BATCH_CLOSE.unknownTask)
    },
  )
}

function keepAlive(socket: WebSocket): void {
  let answered = true
  socket.on('pong', () => {
    answered = true
  })
  const timer = setInterval(() => {
    if (!answered) return socket.terminate()
    answered = false
    socket.ping()
  }, PING_EVERY)
  socket.once('close', () => clearInterval(timer))
}
