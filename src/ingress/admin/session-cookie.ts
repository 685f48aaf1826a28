import type { FastifyReply, FastifyRequest } from 'fastify'
import { SESSION_LIFETIME } from '../../access/session.ts'

/** Name of the cookie. */
export const SESSION_COOKIE = 'pictor_session'

/** The session that a request brings along; undefined where it brings none. */
export const sessionOf = (request: FastifyRequest): string | undefined =>
  request.cookies[SESSION_COOKIE] || undefined

/** Gives the browser a session, out of reach of scripts and of other sites' forms. */
export function setSession(reply: FastifyReply, session: string, publicUrl: string | undefined): void {
  reply.setCookie(SESSION_COOKIE, session, {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: reply.request.protocol === 'https' || publicUrl?.startsWith('https:') === true,
    maxAge: SESSION_LIFETIME / 1000,
  })
}

export function dropSession(reply: FastifyReply): void {
  reply.clearCookie(SESSION_COOKIE, { path: '/' })
}
