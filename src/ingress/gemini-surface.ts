import type { FastifyInstance } from 'fastify'
import { googleKeyOf, requireKey } from '../access/guard.ts'
import { AppError } from '../base/error.ts'
import { readBodiesIntoSpool } from './body.ts'
import { allowOtherOrigins } from './cross-origin.ts'
import { errorReply } from './error-reply.ts'
import { geminiModelRoutes } from './gemini/models.ts'
import { geminiRoutes } from './gemini/routes.ts'
import { geminiShape } from './gemini-error.ts'
import { shownPath } from './shown-path.ts'
import type { Surface } from './surface.ts'

/** The Gemini surface under `/v1beta`. */
export function geminiSurface(surface: Surface) {
  return async (app: FastifyInstance): Promise<void> => {
    app.setErrorHandler(errorReply(geminiShape))
    app.setNotFoundHandler({ preHandler: [] }, (request) => {
      throw new AppError('not_found', { values: { what: `${request.method} ${shownPath(request.url)}` } })
    })
    await allowOtherOrigins(app)
    app.addHook('onRoute', ({ schema }) => {
      if (schema) schema.security = [{ googleKey: [] }, { apiKey: [] }]
    })
    app.addHook('onRequest', requireKey(surface.keys, surface.settings.authentication, googleKeyOf))
    readBodiesIntoSpool(app, surface.gateway.spools)
    geminiModelRoutes(app, surface.gateway)
    geminiRoutes(app, surface)
  }
}
