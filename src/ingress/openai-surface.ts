import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import { requireKey } from '../access/guard.ts'
import { AppError } from '../base/error.ts'
import { readBodiesIntoSpool } from './body.ts'
import { errorReply, openAiShape } from './error-reply.ts'
import { chatRoutes } from './openai-chat/routes.ts'
import { jobRoutes } from './openai-images/jobs.ts'
import { modelRoutes } from './openai-images/models.ts'
import { imageRoutes } from './openai-images/routes.ts'
import type { Surface } from './surface.ts'

/** The OpenAI surface under `/v1`. */
export function openAiSurface(surface: Surface) {
  return async (app: FastifyInstance): Promise<void> => {
    app.setErrorHandler(errorReply(openAiShape))
    app.setNotFoundHandler({ preHandler: [] }, (request) => {
      throw new AppError('not_found', { values: { what: `${request.method} ${request.url.split('?')[0]}` } })
    })
    // Browser clients on other origins send their key in a header, never a cookie, so any origin may ask.
    await app.register(cors, {
      origin: '*',
      methods: ['GET', 'HEAD', 'POST', 'DELETE'],
      exposedHeaders: ['x-request-id', 'retry-after', 'location'],
      maxAge: 86_400,
    })
    app.addHook('onRoute', ({ schema }) => {
      if (schema) schema.security = [{ apiKey: [] }]
    })
    app.addHook('onRequest', requireKey(surface.keys, surface.settings.authentication))
    readBodiesIntoSpool(app, surface.gateway.spools)
    modelRoutes(app, surface.gateway)
    imageRoutes(app, surface)
    chatRoutes(app, surface)
    jobRoutes(app, surface)
  }
}
