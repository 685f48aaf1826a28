/**
 * What can be wrong with bytes, whoever sent them.
 * - `truncated`: it ends too early. `invalid_json`, `invalid_base64`, `invalid_multipart`: it is not what it should be.
 * - `too_large`, `too_many`: a limit that the caller set. `encoding`: a compression that we cannot undo.
 * - `not_a_picture`, `wrong_type`, `too_many_pixels`, `no_dimensions`: see `checkPicture`.
 */
export type BytesErrorKind =
  | 'truncated'
  | 'invalid_json'
  | 'invalid_base64'
  | 'invalid_multipart'
  | 'too_large'
  | 'too_many'
  | 'encoding'
  | 'not_a_picture'
  | 'wrong_type'
  | 'too_many_pixels'
  | 'no_dimensions'

export interface BytesErrorOptions {
  /** Where in the body it went wrong, in bytes from its beginning. */
  offset?: number | undefined
  /** The form field to blame. */
  param?: string | undefined
  cause?: unknown
}

/** Bytes that are not what they should be. Neutral about whose fault that is: the caller knows who sent them. */
export class BytesError extends Error {
  override readonly name = 'BytesError'
  readonly kind: BytesErrorKind
  /** In plain words, fit to be shown: never holds more than a few characters of what was sent. */
  readonly detail: string
  readonly offset: number | undefined
  readonly param: string | undefined

  constructor(kind: BytesErrorKind, detail: string, options: BytesErrorOptions = {}) {
    super(`${kind}: ${detail}`, { cause: options.cause })
    this.kind = kind
    this.detail = detail
    this.offset = options.offset
    this.param = options.param
  }
}
