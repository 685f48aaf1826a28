import type { ErrorCode } from '../../contract/errors.ts'
import type { AppError } from '../base/error.ts'
import { type ErrorShape, wholeSeconds } from './error-reply.ts'

/** `/v1beta`: Google's shape, always English. */
export const geminiShape: ErrorShape = (error) => ({ error: geminiError(error) })

export const geminiError = (error: AppError) => ({
  code: error.row.status,
  message: error.message,
  status: GOOGLE_STATUS[error.code] ?? statusOf(error.row.status),
  details: detailsOf(error),
})

/** Google's word for an error (google.rpc.Code) where the HTTP status does not say it. */
const GOOGLE_STATUS: Partial<Record<ErrorCode, string>> = {
  external_image_disabled: 'FAILED_PRECONDITION',
  webhook_not_configured: 'FAILED_PRECONDITION',
  job_cancelled: 'CANCELLED',
  insufficient_storage: 'RESOURCE_EXHAUSTED',
  upstream_overloaded: 'UNAVAILABLE',
  upstream_unreachable: 'UNAVAILABLE',
}

function statusOf(httpStatus: number): string {
  switch (httpStatus) {
    case 401:
      return 'UNAUTHENTICATED'
    case 403:
      return 'PERMISSION_DENIED'
    case 404:
      return 'NOT_FOUND'
    case 405:
      return 'UNIMPLEMENTED'
    case 409:
      return 'ABORTED'
    case 429:
      return 'RESOURCE_EXHAUSTED'
    case 503:
      return 'UNAVAILABLE'
    case 504:
      return 'DEADLINE_EXCEEDED'
    default:
      return httpStatus < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL'
  }
}

/** Our own code, which says more than Google's status does, and when to try again. */
function detailsOf({ code, retryAfter }: AppError): Record<string, unknown>[] {
  const info = { '@type': `${GOOGLE_RPC}.ErrorInfo`, reason: code.toUpperCase(), domain: 'pictor' }
  if (retryAfter === undefined) return [info]
  return [info, { '@type': `${GOOGLE_RPC}.RetryInfo`, retryDelay: `${wholeSeconds(retryAfter)}s` }]
}

const GOOGLE_RPC = 'type.googleapis.com/google.rpc'
