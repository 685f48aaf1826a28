import { fieldsOf } from '../read-reply.ts'

/** What the `details` of Google's errors say, of all the messages that can stand there (google.rpc). */
export interface ErrorDetails {
  /** `RetryInfo.retryDelay`: `27s`, `27.5s`. */
  retryDelay: string | undefined
  /** Ids and metrics of the limits in `QuotaFailure`. */
  quotas: readonly string[]
  /** `ErrorInfo.reason`; empty where there is none. */
  reason: string
  /** The first field in `BadRequest`. */
  field: string | undefined
}

export function detailsIn(details: unknown): ErrorDetails {
  const list = (Array.isArray(details) ? details : []).map(fieldsOf)
  const find = (type: string) => list.find((detail) => String(detail['@type']).endsWith(type)) ?? {}
  const { violations } = find('QuotaFailure')
  const { fieldViolations } = find('BadRequest')
  return {
    retryDelay: inSeconds(find('RetryInfo').retryDelay),
    quotas: listOf(violations).map(
      ({ quotaId, quotaMetric, subject }) => `${quotaId ?? subject} ${quotaMetric}`,
    ),
    reason: text(find('ErrorInfo').reason) ?? '',
    field: listOf(fieldViolations)
      .map(({ field }) => text(field))
      .find((field) => field !== undefined),
  }
}

/** Some libraries write a duration as an object. */
function inSeconds(delay: unknown): string | undefined {
  const { seconds } = fieldsOf(delay)
  return text(delay) ?? (seconds === undefined ? undefined : `${String(seconds)}s`)
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(fieldsOf) : []
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
