import type { FastifyInstance } from 'fastify'
import { bearerOf, requireKey } from '../access/guard.ts'
import { AppError } from '../base/error.ts'
import { readBodiesIntoSpool } from './body.ts'
import { allowOtherOrigins } from './cross-origin.ts'
import { errorReply, openAiShape } from './error-reply.ts'
import { chatRoutes } from './openai-chat/routes.ts'
import { jobRoutes } from './openai-images/jobs.ts'
import { modelRoutes } from './openai-images/models.ts'
import { imageRoutes } from './openai-images/routes.ts'
import { promptRoutes } from './prompts/routes.ts'
import { shownPath } from './shown-path.ts'
import type { Surface } from './surface.ts'

/** The OpenAI surface under `/v1`. */
export function openAiSurface(surface: Surface) {
  return async (app: FastifyInstance): Promise<void> => {
    app.setErrorHandler(errorReply(openAiShape))
    app.setNotFoundHandler({ preHandler: [] }, (request) => {
      throw new AppError('not_found', { values: { what: `${request.method} ${shownPath(request.url)}` } })
    })
    await allowOtherOrigins(app)
    app.addHook('onRoute', ({ schema }) => {
      if (schema) schema.security = [{ apiKey: [] }]
    })
    app.addHook('onRequest', requireKey(surface.keys, surface.settings.authentication, bearerOf))
    readBodiesIntoSpool(app, surface.gateway.spools)
    modelRoutes(app, surface.gateway)
    imageRoutes(app, surface)
    promptRoutes(app, surface.gateway)
    chatRoutes(app, surface)
    jobRoutes(app, surface)
  }
}
