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

/**
 * A hook that lets only requests with a valid API key through, as often as it may ask; with authentication off, everyone,
 * without limits.
 *
 * @throws {AppError} `invalid_api_key`, `api_key_disabled`, `api_key_expired`, `request_rate_reached`
 */
export function requireKey(
  keys: Keys,
  authentication: 'on' | 'off',
  secretOf: SecretReader,
): onRequestAsyncHookHandler {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const secret = secretOf(request)
    if (authentication === 'off') {
      request.caller = await freely(keys, secret)
      return
    }
    request.caller = await identified(keys, secret).catch((error: unknown) => {
      if (error instanceof AppError) reply.header('www-authenticate', 'Bearer')
      throw error
    })
    // To look is free; what is counted asks for something to be done.
    if (request.method === 'POST') keys.countRequest(request.caller)
  }
}

async function identified(keys: Keys, secret: string | undefined): Promise<Caller> {
  const caller = secret === undefined ? undefined : await keys.identify(secret)
  if (caller === undefined) throw new AppError('invalid_api_key')
  return caller
}

/** A good key still says whose pictures they are; any other is as good as none. */
async function freely(keys: Keys, secret: string | undefined): Promise<Caller> {
  if (secret === undefined) return ANYONE
  try {
    const { owner, imagesFormat } = (await keys.identify(secret)) ?? ANYONE
    return { owner, imagesFormat }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return ANYONE
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
