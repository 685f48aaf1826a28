import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import type { AdminAccess } from '../../access/admin-access.ts'
import { bearerOf } from '../../access/guard.ts'
import type { SignedIn } from '../../access/session.ts'
import { AppError } from '../../base/error.ts'
import { requireSameSite } from './same-site.ts'
import { sessionOf, setSession } from './session-cookie.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The session of an admin's request, set by {@link requireAdmin}; undefined where the admin key opened the door. */
    signedIn: SignedIn | undefined
  }
}

export interface GuardOptions {
  access: AdminAccess
  /** Counts a request that is refused; throws when there were too many. */
  countStranger: (request: FastifyRequest) => void
  publicUrl: string | undefined
}

/**
 * A hook that lets only the admin through, by the admin key or by a session; whatever `AUTH` says.
 *
 * @throws {AppError} `admin_required`, or `cross_site_request` for a change that another site asks for
 */
export function requireAdmin({ access, countStranger, publicUrl }: GuardOptions): onRequestAsyncHookHandler {
  return async (request, reply) => {
    const secret = bearerOf(request)
    if (secret !== undefined && access.isKey(secret)) return
    const session = sessionOf(request)
    const signedIn = session === undefined ? undefined : await access.sessions.find(session)
    if (session === undefined || signedIn === undefined) {
      countStranger(request)
      reply.header('www-authenticate', 'Bearer')
      throw new AppError('admin_required')
    }
    requireSameSite(request, publicUrl)
    if (signedIn.extended) setSession(reply, session, publicUrl)
    request.signedIn = signedIn
  }
}
