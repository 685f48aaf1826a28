import { OutgoingError } from '../../base/outgoing-error.ts'
import { BytesError } from '../../bytes/bytes-error.ts'
import { toClientError } from '../../gateway/failure.ts'
import { ProviderError } from '../../providers/provider-error.ts'

/** Rethrows what went wrong with an upstream's answer as the client is told: its bytes are the upstream's fault. */
export function answerError(error: unknown): never {
  if (error instanceof ProviderError) throw toClientError(error)
  if (error instanceof BytesError) throw upstreamError('upstream_bug', error.detail, error)
  if (error instanceof OutgoingError) {
    throw upstreamError(error.kind === 'timeout' ? 'timeout' : 'network', error.detail, error)
  }
  throw error
}

const upstreamError = (kind: 'upstream_bug' | 'timeout' | 'network', detail: string, cause: unknown) =>
  toClientError(new ProviderError(kind, { detail, maybePaid: true, cause }))
