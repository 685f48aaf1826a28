import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import { AppError } from '../base/error.ts'
import type { Caller, Keys } from './keys.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by {@link requireKey} before anything else of the request is read. */
    caller: Caller
  }
}

const ANYONE: Caller = { owner: 'anyone', imagesFormat: undefined }

/** Where a surface looks for the key of a request; undefined where there is none. */
export type SecretReader = (request: FastifyRequest) => string | undefined

/** A hook that lets only requests with a valid API key through; with authentication off, everyone. */
export function requireKey(
  keys: Keys,
  authentication: 'on' | 'off',
  secretOf: SecretReader,
): onRequestAsyncHookHandler {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const secret = secretOf(request)
    const caller = secret === undefined ? undefined : await keys.identify(secret)
    if (caller === undefined && authentication === 'on') {
      reply.header('www-authenticate', 'Bearer')
      throw new AppError('invalid_api_key')
    }
    request.caller = caller ?? ANYONE
  }
}

/** `Authorization: Bearer <key>`, as OpenAI's clients send it. */
export const bearerOf: SecretReader = (request) =>
  /^Bearer\s+(\S+)\s*$/i.exec(request.headers.authorization ?? '')?.[1]

/** `x-goog-api-key` or `?key=`, as Google's clients send it; else as above. The first that is there counts. */
export const googleKeyOf: SecretReader = (request) => {
  const header = request.headers['x-goog-api-key']
  if (typeof header === 'string' && header !== '') return header
  const { key } = request.query as { key?: unknown }
  return typeof key === 'string' && key !== '' ? key : bearerOf(request)
}
