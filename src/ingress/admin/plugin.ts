import cookie from '@fastify/cookie'
import type { FastifyInstance } from 'fastify'
import type { Sessions } from '../../access/session.ts'
import { AppError } from '../../base/error.ts'
import { batchShape, errorReply } from '../error-reply.ts'
import { type AdminKeyParts, adminKeyRoutes } from './keys.ts'

/** What an admin may do under `/admin`, with the session of the setup link. */
export function adminSurface({ sessions, ...parts }: AdminKeyParts & { sessions: Sessions }) {
  return async (app: FastifyInstance): Promise<void> => {
    app.setErrorHandler(errorReply(batchShape))
    await app.register(cookie)
    app.addHook('onRequest', async (request) => {
      const session = request.cookies.pictor_session
      if (session === undefined || !(await sessions.valid(session))) throw new AppError('invalid_api_key')
    })
    adminKeyRoutes(app, parts)
  }
}
