import { expect, test } from 'vitest'
import { ERRORS, type ErrorCode } from '../../contract/errors.ts'
import { AppError } from '../base/error.ts'
import { geminiError } from './gemini-error.ts'

test.each(Object.keys(ERRORS) as ErrorCode[])('%s has Google’s shape', (code) => {
  const values = { detail: 'so.', model: 'm', got: 'g', max: 1, expected: 'e', what: 'w', method: 'PUT' }
  const error = geminiError(new AppError(code, { param: 'size', values, retryAfter: 1.2 }))
  expect(error).toEqual({
    code: ERRORS[code].status,
    message: expect.stringMatching(/^[^{}]+$/),
    status: expect.stringMatching(/^[A-Z_]+$/),
    details: [
      { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: code.toUpperCase(), domain: 'pictor' },
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '2s' },
    ],
  })
})

test.each<[ErrorCode, string]>([
  ['invalid_value', 'INVALID_ARGUMENT'],
  ['request_too_large', 'INVALID_ARGUMENT'],
  ['content_policy_violation', 'INVALID_ARGUMENT'],
  ['external_image_disabled', 'FAILED_PRECONDITION'],
  ['invalid_api_key', 'UNAUTHENTICATED'],
  ['model_not_found', 'NOT_FOUND'],
  ['idempotency_key_reused', 'ABORTED'],
  ['job_cancelled', 'CANCELLED'],
  ['rate_limit_exceeded', 'RESOURCE_EXHAUSTED'],
  ['upstream_unreachable', 'UNAVAILABLE'],
  ['interrupted', 'UNAVAILABLE'],
  ['upstream_timeout', 'DEADLINE_EXCEEDED'],
  ['upstream_error', 'INTERNAL'],
  ['server_error', 'INTERNAL'],
])('%s is %s', (code, status) => {
  expect(geminiError(new AppError(code)).status).toBe(status)
})
