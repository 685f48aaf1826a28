import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import {
  AccessStatus,
  Done,
  LoginRequest,
  PasswordRequest,
  SetupQuery,
  SetupRequest,
} from '../../../contract/admin.ts'
import { BatchError } from '../../../contract/batch.ts'
import type { Admin } from '../../access/admins.ts'
import { clientOf } from '../../access/rate-limit.ts'
import { AppError } from '../../base/error.ts'
import { languageOf } from '../language.ts'
import type { AdminParts } from './admin-parts.ts'
import { requireSameSite } from './same-site.ts'
import { dropSession, sessionOf, setSession } from './session-cookie.ts'
import { ADMIN_TEXTS } from './texts.ts'

const DoneAs = Type.Intersect([Done, Type.Object({ username: Type.String() })])
const errors = { '4xx': BatchError }
const PATH = '/api/v1/admin'

/** `/api/v1/admin/{status,setup,login,logout}`: the way in, open to everyone. */
export function entranceRoutes(app: FastifyInstance, { access, publicUrl }: AdminParts): void {
  const { admins, sessions, isLocked } = access

  async function letIn(reply: FastifyReply, { id, username }: Admin) {
    // Whoever had a session in this browser has no more use for it.
    const before = sessionOf(reply.request)
    if (before !== undefined) await sessions.close(before)
    setSession(reply, await sessions.open(id), publicUrl)
    return username
  }

  app.get(
    `${PATH}/status`,
    {
      schema: {
        tags: ['Admin'],
        summary: 'Whether the account is made, and whether you are signed in',
        response: { 200: AccessStatus },
      },
    },
    async (request): Promise<AccessStatus> => {
      const session = sessionOf(request)
      const signedIn = session === undefined ? undefined : await sessions.find(session)
      const needs_setup = !(await admins.any())
      if (signedIn === undefined) return { needs_setup, signed_in: false }
      return { needs_setup, signed_in: true, username: signedIn.username, locked: isLocked }
    },
  )

  app.post<{ Body: SetupRequest; Querystring: SetupQuery }>(
    `${PATH}/setup`,
    {
      schema: {
        tags: ['Admin'],
        summary: 'Make the admin account, with the token of the setup link, and sign in',
        querystring: SetupQuery,
        body: SetupRequest,
        response: { 200: DoneAs, ...errors },
      },
    },
    async (request, reply) => {
      const { username, password, setup = request.query.setup ?? '' } = request.body
      const admin = await admins.setUp(setup, { username, password })
      const message = textsFor(request).setUp
      return { success: true, message, username: await letIn(reply, admin) }
    },
  )

  app.post<{ Body: LoginRequest }>(
    `${PATH}/login`,
    {
      schema: {
        tags: ['Admin'],
        summary: 'Sign in',
        body: LoginRequest,
        response: { 200: DoneAs, ...errors },
      },
    },
    async (request, reply) => {
      const admin = await admins.signIn(clientOf(request.ip), request.body)
      const message = textsFor(request).signedIn
      return { success: true, message, username: await letIn(reply, admin) }
    },
  )

  app.post(
    `${PATH}/logout`,
    { schema: { tags: ['Admin'], summary: 'Sign out', response: { 200: Done, ...errors } } },
    async (request, reply) => {
      const session = sessionOf(request)
      if (session !== undefined) {
        requireSameSite(request, publicUrl)
        await sessions.close(session)
        dropSession(reply)
      }
      return { success: true, message: textsFor(request).signedOut }
    },
  )
}

/** `POST /api/v1/admin/password`, for who is signed in. */
export function passwordRoute(app: FastifyInstance, { access, publicUrl }: AdminParts): void {
  app.post<{ Body: PasswordRequest }>(
    `${PATH}/password`,
    {
      schema: {
        tags: ['Admin'],
        summary: 'Change the password; every other session ends',
        body: PasswordRequest,
        response: { 200: Done, ...errors },
      },
    },
    async (request, reply) => {
      const { signedIn, body } = request
      // The admin key has no password.
      if (signedIn === undefined) throw new AppError('admin_required')
      if (access.isLocked)
        throw new AppError('setting_locked', { param: 'password', values: { detail: 'ADMIN_PASSWORD' } })
      const admin = { id: signedIn.adminId, username: signedIn.username }
      await access.admins.changePassword(clientOf(request.ip), admin, body)
      setSession(reply, await access.sessions.open(admin.id), publicUrl)
      return { success: true, message: textsFor(request).passwordChanged }
    },
  )
}

const textsFor = (request: FastifyRequest) => ADMIN_TEXTS[languageOf(request)]
