import { OutgoingError } from '../base/outgoing-error.ts'
import { BytesError } from '../bytes/bytes-error.ts'
import { ProviderError, type ProviderErrorKind } from './provider-error.ts'
import { scrub } from './scrub.ts'

/**
 * What to throw for an error that arose in a call: the signal's reason when the caller gave up, a ProviderError for
 * all that the upstream or the way to it did wrong. What is our own fault (a full disk) stays what it is.
 *
 * @param isAnswered whether the call itself was answered, so that it was carried out whatever failed since
 */
export function translateError(
  error: unknown,
  signal: AbortSignal,
  secret: string,
  isAnswered: boolean,
): unknown {
  if (signal.aborted) return signal.reason
  if (error instanceof OutgoingError) {
    const detail = scrub(error.detail, secret)
    return new ProviderError(KINDS[error.kind], { detail, maybePaid: isAnswered || error.sent, cause: error })
  }
  if (error instanceof BytesError) {
    const detail = scrub(`the answer cannot be used: ${error.detail}`, secret)
    return new ProviderError('upstream_bug', { detail, maybePaid: true, cause: error })
  }
  return error
}

const KINDS: Record<OutgoingError['kind'], ProviderErrorKind> = {
  timeout: 'timeout',
  network: 'network',
  // The caller's signal is dealt with above, so this is a connection that was closed here.
  aborted: 'network',
  blocked: 'upstream_bug',
  too_large: 'upstream_bug',
}
