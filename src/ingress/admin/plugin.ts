import cookie from '@fastify/cookie'
import type { FastifyInstance } from 'fastify'
import { createRateLimit } from '../../access/rate-limit.ts'
import { AppError } from '../../base/error.ts'
import { batchShape, errorReply } from '../error-reply.ts'
import type { AdminParts } from './admin-parts.ts'
import { requireAdmin } from './guard.ts'
import { adminImageRoutes } from './images.ts'
import { readJsonBodies } from './json-bodies.ts'
import { adminKeyRoutes } from './keys.ts'
import { entranceRoutes, passwordRoute } from './session.ts'
import { settingsRoutes } from './settings.ts'
import { accountRoutes } from './sso.ts'
import { statusRoute } from './status.ts'
import { storageRoutes } from './storage.ts'

/**
 * The JSON routes for the admin, under `/api/v1/admin` and `/admin`. They are never open, whatever `AUTH` says, and pages of
 * other origins cannot read them. Who is not the admin may ask as often as anyone under `/api/v1`; the admin as often as
 * they like.
 */
export function adminSurface(parts: AdminParts) {
  const countStranger = createRateLimit(parts.gateway.clock)
  const guard = requireAdmin({ ...parts, countStranger })
  return async (app: FastifyInstance): Promise<void> => {
    app.setErrorHandler(errorReply(batchShape))
    await app.register(cookie)
    readJsonBodies(app)

    await app.register(async (scope) => {
      scope.addHook('onRequest', async (request) => countStranger(request))
      entranceRoutes(scope, parts)
    })
    await app.register(async (scope) => {
      scope.addHook('onRoute', ({ schema }) => {
        if (schema) schema.security = [{ adminSession: [] }, { adminKey: [] }]
      })
      scope.addHook('onRequest', guard)
      passwordRoute(scope, parts)
      statusRoute(scope, parts)
      settingsRoutes(scope, parts)
      adminImageRoutes(scope, parts)
      adminKeyRoutes(scope, parts)
      accountRoutes(scope, parts)
      storageRoutes(scope, parts)
    })
    await app.register(
      async (scope) => {
        scope.addHook('onRequest', guard)
        scope.setNotFoundHandler(({ method, url }) => {
          throw new AppError('not_found', { values: { what: `${method} ${url.split('?')[0]}` } })
        })
        // Else a browser that asks for another origin would be answered by the batch routes, which let every origin in.
        scope.options('/*', { schema: { hide: true } }, (_request, reply) => reply.code(204).send())
      },
      { prefix: '/api/v1/admin' },
    )
  }
}
