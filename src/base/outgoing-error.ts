/**
 * `timeout`: the whole exchange took longer than allowed. `network`: no or a broken connection.
 * `blocked`: the address guard refused. `too_large`: the reply is longer than allowed. `aborted`: the caller's signal.
 */
export type OutgoingErrorKind = 'timeout' | 'network' | 'blocked' | 'too_large' | 'aborted'

export interface OutgoingErrorOptions {
  /** In plain words; holds no secret (headers and bodies never get into it). */
  detail: string
  /** The whole request may have reached the other side. False means that it was certainly not carried out. */
  sent: boolean
  cause?: unknown
}

/** The only error of an outgoing exchange. */
export class OutgoingError extends Error {
  override readonly name = 'OutgoingError'
  readonly kind: OutgoingErrorKind
  readonly detail: string
  readonly sent: boolean

  constructor(kind: OutgoingErrorKind, options: OutgoingErrorOptions) {
    super(`${kind}: ${options.detail}`, { cause: options.cause })
    this.kind = kind
    this.detail = options.detail
    this.sent = options.sent
  }
}
