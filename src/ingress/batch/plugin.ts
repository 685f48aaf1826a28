import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { bearerOf, googleKeyOf, requireKey } from '../../access/guard.ts'
import { limitRate } from '../../access/rate-limit.ts'
import { AppError } from '../../base/error.ts'
import { readBodiesIntoSpool } from '../body.ts'
import { allowOtherOrigins } from '../cross-origin.ts'
import { batchShape, errorReply } from '../error-reply.ts'
import { shownPath } from '../shown-path.ts'
import type { Surface } from '../surface.ts'
import { historyRoutes } from './history.ts'
import { batchImageRoutes } from './images.ts'
import { liveRoutes } from './live.ts'
import { batchPictureRoutes } from './pictures.ts'
import { taskRoutes } from './tasks.ts'

/** The batch surface under `/api/v1`. */
export function batchSurface(surface: Surface) {
  const { keys, settings, gateway } = surface
  return async (app: FastifyInstance): Promise<void> => {
    app.setErrorHandler(errorReply(batchShape))
    app.setNotFoundHandler({ preHandler: [] }, (request) => {
      throw new AppError('not_found', { values: { what: `${request.method} ${shownPath(request.url)}` } })
    })
    // First, so that a refusal can be read by a browser too, and what a browser asks beforehand does not count.
    await allowOtherOrigins(app)
    app.addHook('onRequest', limitRate(gateway.clock))
    app.get('/health', { schema: HEALTH }, async () => ({ status: 'ok', message: '服务运行正常' }))

    batchPictureRoutes(app, surface)

    await app.register(async (scope) => {
      scope.addHook('onRoute', ({ schema }) => {
        if (schema) schema.security = [{ apiKey: [] }]
      })
      scope.addHook('onRequest', requireKey(keys, settings.authentication, bearerOf))
      readBodiesIntoSpool(scope, gateway.spools)
      await scope.register(async (tasks) => taskRoutes(tasks, surface))
      await scope.register(async (history) => historyRoutes(history, surface))
      await scope.register(async (images) => batchImageRoutes(images, surface))
    })
    await app.register(async (scope) => {
      // Browsers cannot send headers with a WebSocket, so the key may stand in the address.
      scope.addHook('onRequest', requireKey(keys, settings.authentication, googleKeyOf))
      liveRoutes(scope, surface)
    })
  }
}

const HEALTH = {
  tags: ['System'],
  summary: 'Whether the server answers',
  response: { 200: Type.Object({ status: Type.String(), message: Type.String() }) },
}
