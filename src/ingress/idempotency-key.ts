import type { FastifyRequest } from 'fastify'
import { AppError } from '../base/error.ts'

/** The key under which the same request may be sent again; undefined without one. */
export function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key']
  if (key === undefined || key === '') return undefined
  if (typeof key === 'string' && key.length <= 255) return key
  throw new AppError('invalid_value', {
    param: 'Idempotency-Key',
    values: { detail: 'send one key of at most 255 characters.' },
  })
}
