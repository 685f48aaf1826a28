import type { ErrorCode } from '../../contract/errors.ts'
import { AppError, toAppError } from '../base/error.ts'
import { ProviderError, type ProviderErrorKind } from '../providers/provider-error.ts'

/** What the gateway does about a failed call, and what the client is told in the end. */
export interface FailureRule {
  code: ErrorCode
  /** Ask the same account once more after a short pause. */
  retryHere: boolean
  /** Go on with the next account or provider. */
  tryNext: boolean
  /** How long the account rests where the upstream does not say, in ms; 0 blames no account. */
  coolDown: number
  /** A resting account may still be asked when there is no other. */
  soft: boolean
  /** It passes by itself, so a job that nobody waits for asks again later. */
  passes: boolean
}

const rule = (code: ErrorCode, options: Partial<FailureRule> = {}): FailureRule => ({
  code,
  retryHere: false,
  tryNext: false,
  coolDown: 0,
  soft: false,
  passes: false,
  ...options,
})

const SECOND = 1000
const MINUTE = 60 * SECOND

/** The one table that decides. A call that may have been paid for is never sent again, whatever stands here. */
export const FAILURE_RULES: Record<ProviderErrorKind, FailureRule> = {
  auth: rule('upstream_auth', { tryNext: true, coolDown: 10 * MINUTE }),
  quota: rule('insufficient_quota', { tryNext: true, coolDown: 60 * MINUTE }),
  rate: rule('rate_limit_exceeded', { tryNext: true, coolDown: 30 * SECOND, passes: true }),
  moderation: rule('content_policy_violation'),
  bad_param: rule('invalid_value'),
  no_image: rule('no_image'),
  overloaded: rule('upstream_overloaded', {
    retryHere: true,
    tryNext: true,
    coolDown: 5 * SECOND,
    soft: true,
    passes: true,
  }),
  timeout: rule('upstream_timeout', { tryNext: true }),
  network: rule('upstream_unreachable', {
    retryHere: true,
    tryNext: true,
    coolDown: 5 * SECOND,
    soft: true,
    passes: true,
  }),
  upstream_bug: rule('upstream_error', { tryNext: true }),
}

/** Whether another account or provider may be asked for what this failure left undone. */
export const mayGoOn = (failure: ProviderError): boolean =>
  FAILURE_RULES[failure.kind].tryNext && !failure.maybePaid

/** A job that waits longer than this is better told of as failed. */
const LONGEST_PAUSE = 10 * MINUTE
/** With so many rounds in a row that brought nothing, a job gives up. */
const MOST_VAIN_ROUNDS = 6

/**
 * How long to wait, in ms, before what these failures left undone is asked for again; undefined where that is no use.
 * @param vain rounds in a row that brought nothing
 */
export function pauseAfter(failures: readonly ProviderError[], vain: number): number | undefined {
  const passing = failures.filter((failure) => FAILURE_RULES[failure.kind].passes && mayGoOn(failure))
  if (passing.length === 0 || vain >= MOST_VAIN_ROUNDS) return undefined
  const pause = Math.min(...passing.map(restAfter))
  return pause > LONGEST_PAUSE ? undefined : Math.max(SECOND, pause)
}

/** How long an account rests after a failure, in ms. */
export const restAfter = ({ kind, retryAfter }: ProviderError): number =>
  retryAfter === undefined ? FAILURE_RULES[kind].coolDown : retryAfter * 1000

/** What the client is told of an upstream's failure. */
export function toClientError(error: ProviderError): AppError {
  const { code } = FAILURE_RULES[error.kind]
  return new AppError(code, {
    values: {
      detail: error.detail,
      ...(code === 'invalid_value' ? { param: error.param ?? 'request' } : {}),
    },
    ...(error.param === undefined ? {} : { param: error.param }),
    ...(error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter }),
    ...(code === 'content_policy_violation' && error.code ? { upstreamCode: error.code } : {}),
    cause: error,
  })
}

/** Whatever went wrong with a task, as the client is told. */
export function asClientError(error: unknown): AppError {
  return error instanceof ProviderError ? toClientError(error) : toAppError(error)
}

/** Anything that a call threw, in the terms of the table. */
export function toProviderError(error: unknown): ProviderError | undefined {
  if (error instanceof ProviderError) return error
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return new ProviderError('timeout', {
      detail: 'no complete answer within GENERATION_TIMEOUT.',
      maybePaid: true,
      cause: error,
    })
  }
  return undefined
}
