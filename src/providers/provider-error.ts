/** Why an upstream call failed, in the terms on which the gateway decides what to do next. */
export type ProviderErrorKind =
  | 'auth'
  | 'quota'
  | 'rate'
  | 'moderation'
  | 'bad_param'
  | 'no_image'
  | 'overloaded'
  | 'timeout'
  | 'network'
  | 'upstream_bug'

export interface ProviderErrorOptions {
  /** What the upstream said, cleaned of secrets and of anything long. */
  detail: string
  /** Seconds until the upstream wants to be asked again. */
  retryAfter?: number
  /** The upstream's own error code. */
  code?: string
  /** The parameter that the upstream blames. */
  param?: string
  /** The upstream does not know the key, or not any more: asking with it again is of no use. */
  expired?: boolean
  /** The request may have been carried out (and billed), so it must not be sent again. Default: depends on the kind. */
  maybePaid?: boolean
  cause?: unknown
}

/** The only error that an adapter throws. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError'
  readonly kind: ProviderErrorKind
  readonly detail: string
  readonly retryAfter: number | undefined
  readonly code: string | undefined
  readonly param: string | undefined
  readonly expired: boolean
  readonly maybePaid: boolean

  constructor(kind: ProviderErrorKind, options: ProviderErrorOptions) {
    super(`${kind}: ${options.detail}`, { cause: options.cause })
    this.kind = kind
    this.detail = options.detail
    this.retryAfter = options.retryAfter
    this.code = options.code
    this.param = options.param
    this.expired = options.expired ?? false
    this.maybePaid = options.maybePaid ?? false
  }
}
