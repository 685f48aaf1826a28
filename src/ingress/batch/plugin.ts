import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { requireKey } from '../../access/guard.ts'
import { AppError } from '../../base/error.ts'
import { readBodiesIntoSpool } from '../body.ts'
import { batchShape, errorReply } from '../error-reply.ts'
import type { Surface } from '../surface.ts'
import { historyRoutes } from './history.ts'
import { liveRoutes } from './live.ts'
import { taskRoutes } from './tasks.ts'

/** The batch surface under `/api/v1`. */
export function batchSurface(surface: Surface) {
  return async (app: FastifyInstance): Promise<void> => {
    app.setErrorHandler(errorReply(batchShape))
    app.setNotFoundHandler({ preHandler: [] }, (request) => {
      throw new AppError('not_found', { values: { what: `${request.method} ${request.url.split('?')[0]}` } })
    })
    // Front ends on other origins send their key in a header, never a cookie, so any origin may ask.
    await app.register(cors, {
      origin: '*',
      methods: ['GET', 'HEAD', 'POST', 'DELETE'],
      exposedHeaders: ['x-request-id', 'retry-after', 'content-disposition', 'x-export-partial'],
      maxAge: 86_400,
    })
    app.get('/health', { schema: HEALTH }, async () => ({ status: 'ok', message: '服务运行正常' }))
    await app.register(async (scope) => {
      scope.addHook('onRoute', ({ schema }) => {
        if (schema) schema.security = [{ apiKey: [] }]
      })
      // TODO(#4)
      scope.addHook('onRequest', async (request) => {
        const { key } = request.query as { key?: string }
        if (key) request.headers.authorization ??= `Bearer ${key}`
      })
      scope.addHook('onRequest', requireKey(surface.keys, surface.settings.authentication))
      readBodiesIntoSpool(scope, surface.gateway.spools)
      await scope.register(async (tasks) => taskRoutes(tasks, surface))
      await scope.register(async (history) => historyRoutes(history, surface))
      liveRoutes(scope, surface)
    })
  }
}

const HEALTH = {
  tags: ['System'],
  summary: 'Whether the server answers',
  response: { 200: Type.Object({ status: Type.String(), message: Type.String() }) },
}
