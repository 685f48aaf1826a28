import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import { requireKey } from '../../access/guard.ts'
import { limitRate } from '../../access/rate-limit.ts'
import { AppError } from '../../base/error.ts'
import { readBodiesIntoSpool } from '../body.ts'
import { batchShape, errorReply } from '../error-reply.ts'
import type { Surface } from '../surface.ts'
import { batchImageRoutes } from './images.ts'
import { batchPictureRoutes } from './pictures.ts'

/** The batch surface under `/api/v1`. */
export function batchSurface(surface: Surface) {
  return async (app: FastifyInstance): Promise<void> => {
    app.setErrorHandler(errorReply(batchShape))
    // First, so that a refusal can be read by a browser too, and what a browser asks beforehand does not count.
    await app.register(cors, {
      origin: '*',
      methods: ['GET', 'HEAD', 'POST', 'DELETE'],
      exposedHeaders: ['x-request-id', 'retry-after', 'content-disposition', 'x-export-partial'],
      maxAge: 86_400,
    })
    app.addHook('onRequest', limitRate(surface.gateway.clock))
    app.setNotFoundHandler({ preHandler: [] }, (request) => {
      throw new AppError('not_found', { values: { what: `${request.method} ${request.url.split('?')[0]}` } })
    })
    batchPictureRoutes(app, surface)
    await app.register(async (keyed) => {
      keyed.addHook('onRoute', ({ schema }) => {
        if (schema) schema.security = [{ apiKey: [] }]
      })
      keyed.addHook('onRequest', requireKey(surface.keys, surface.settings.authentication))
      readBodiesIntoSpool(keyed, surface.gateway.spools)
      batchImageRoutes(keyed, surface)
    })
  }
}
