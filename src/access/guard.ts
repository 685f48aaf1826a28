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

/** A hook that lets only requests with a valid API key through; with authentication off, everyone. */
export function requireKey(keys: Keys, authentication: 'on' | 'off'): onRequestAsyncHookHandler {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const secret = bearerOf(request)
    const caller = secret === undefined ? undefined : await keys.identify(secret)
    if (caller === undefined && authentication === 'on') {
      reply.header('www-authenticate', 'Bearer')
      throw new AppError('invalid_api_key')
    }
    request.caller = caller ?? ANYONE
  }
}

function bearerOf(request: FastifyRequest): string | undefined {
  return /^Bearer\s+(\S+)\s*$/i.exec(request.headers.authorization ?? '')?.[1]
}
