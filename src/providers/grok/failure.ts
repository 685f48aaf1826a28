import { OutgoingError } from '../../base/outgoing-error.ts'
import type { SocketEnd } from '../../base/socket.ts'
import { SocketRefused } from '../../base/socket-handshake.ts'
import type { BytesError } from '../../bytes/bytes-error.ts'
import { ProviderError, type ProviderErrorKind } from '../provider-error.ts'
import { retryAfter } from '../retry-after.ts'
import { scrub } from '../scrub.ts'
import { translateError } from '../translate-error.ts'
import type { RefusalFrame } from './frame.ts'
import type { Expired } from './timings.ts'

/** Under what circumstances a socket failed. */
export interface Circumstances {
  signal: AbortSignal
  secret: string
  /** The upstream has begun to draw, so that asking again would cost twice. */
  isStarted: boolean
  expired: Expired | undefined
  /** A message could not be read: with nothing else to go by, that is why a picture is missing. */
  flaw: BytesError | undefined
}

/**
 * What to throw for whatever ended a socket: the signal's reason, a ProviderError, or a fault of our own as it is.
 * Until the upstream has begun to draw, nothing is spent, and others may be asked.
 */
export function toFailure(error: unknown, circumstances: Circumstances): unknown {
  const { signal, secret, isStarted, expired, flaw } = circumstances
  if (signal.aborted) return signal.reason
  if (error instanceof SocketRefused) return refusedHandshake(error, secret)
  const isEnd = expired !== undefined || error instanceof ProviderError || isNetwork(error)
  if (isEnd && flaw !== undefined && !isOwnWord(error)) return translateError(flaw, signal, secret, true)
  if (error instanceof ProviderError) return error
  if (expired !== undefined) return tooLate(expired, isStarted)
  if (!isNetwork(error)) return translateError(error, signal, secret, isStarted)
  const detail = scrub(error.detail, secret)
  return new ProviderError('network', { detail, maybePaid: isStarted, cause: error })
}

function isNetwork(error: unknown): error is OutgoingError {
  return error instanceof OutgoingError && error.kind === 'network'
}

/** The upstream said itself what is wrong. */
function isOwnWord(error: unknown): boolean {
  return error instanceof ProviderError && error.kind !== 'network' && error.kind !== 'upstream_bug'
}

const WAITED_FOR: Readonly<Record<Expired, string>> = {
  start: 'the upstream took the prompt and did not begin to draw.',
  picture: 'the upstream fell silent before there was a picture.',
  final: 'the upstream fell silent before the picture was finished.',
  rest: 'the upstream fell silent before all pictures were there.',
  all: 'the time is up, and not all pictures are there.',
}

function tooLate(expired: Expired, isStarted: boolean): ProviderError {
  return new ProviderError('timeout', { detail: WAITED_FOR[expired], maybePaid: isStarted })
}

function refusedHandshake(refused: SocketRefused, secret: string): ProviderError {
  const { status, headers, text } = refused
  const kind = HANDSHAKES[status] ?? 'network'
  const said = scrub(text, secret)
  const wait = kind === 'rate' ? retryAfter(headers, text) : undefined
  return new ProviderError(kind, {
    detail: `the upstream refused the connection with ${status}${said === '' ? '.' : `: ${said}`}`,
    code: String(status),
    expired: status === 401,
    ...(wait === undefined ? {} : { retryAfter: wait }),
  })
}

const HANDSHAKES: Readonly<Record<number, ProviderErrorKind>> = { 401: 'auth', 403: 'auth', 429: 'rate' }

/** An `error` frame: the upstream says itself that it will not draw. */
export function refused({ code, message }: RefusalFrame, secret: string): ProviderError {
  const [, kind = 'upstream_bug'] = REFUSALS.find(([pattern]) => pattern.test(code)) ?? []
  const detail = scrub(message, secret) || 'it gave no reason.'
  const expired = kind === 'auth' && TOKEN_GONE.test(code)
  return new ProviderError(kind, { detail, expired, ...(code === '' ? {} : { code: scrub(code, secret) }) })
}

const TOKEN_GONE = /unauthori[sz]ed|unauthenticated|^401$/i

/** By the code alone: the message repeats the prompt at times. */
const REFUSALS: readonly (readonly [RegExp, ProviderErrorKind])[] = [
  [/rate_?limit|too_many|resource_exhausted|^429$/i, 'rate'],
  [/unauthori[sz]ed|unauthenticated|forbidden|permission|^40[13]$/i, 'auth'],
  [/moderat|blocked|content_policy|safety/i, 'moderation'],
  [/quota|credit|subscription/i, 'quota'],
  [/invalid|bad_request|^400$/i, 'bad_param'],
  [/overloaded|unavailable|capacity|^503$/i, 'overloaded'],
]

/** The upstream ended the connection without another word. */
export function closed(end: SocketEnd | undefined, secret: string, isStarted: boolean): ProviderError {
  const { code, reason } = end ?? { code: 1006, reason: '' }
  const said = reason === '' ? '' : `: ${scrub(reason, secret)}`
  const detail = `the upstream closed the connection (${code})${said}`
  if (/unauthori[sz]ed|unauthenticated|invalid token/i.test(reason))
    return new ProviderError('auth', { detail, code: String(code), expired: true })
  if (RATE_CODES.has(code) || /rate.?limit|too many/i.test(reason))
    return new ProviderError('rate', { detail, code: String(code) })
  const kind = code === 1006 ? 'network' : 'upstream_bug'
  return new ProviderError(kind, { detail, code: String(code), maybePaid: isStarted })
}

/** 1008 is "policy violation"; Grok says it where the limit is reached. */
const RATE_CODES = new Set([1008, 429, 4429])
