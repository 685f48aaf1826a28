import type { Dispatcher } from 'undici'
import { BlockedAddress } from './address-guard.ts'
import { OutgoingError, type OutgoingErrorKind } from './outgoing-error.ts'

export interface ExchangeOptions {
  signal: AbortSignal
  /** Milliseconds for everything, from waiting for a connection to the last byte. */
  timeout: number
  /** Longest reply body, in bytes as they are on the wire. */
  maxBytes: number
  /** Whether a streamed request body was taken to its end; a request without its end is not carried out. */
  isBodySent?: (() => boolean) | undefined
}

/** Status and headers of a reply; names in lower case, repeated headers joined. */
export interface ReplyHead {
  status: number
  headers: Readonly<Record<string, string>>
}

/** From this many unread bytes on the socket is paused, so that memory does not grow with the size of a reply. */
const HIGH_WATER = 128 * 1024
/** A rest that is known to be no longer is read and dropped, rather than paying for a new connection. */
const WORTH_DRAINING = 64 * 1024

type Controller = Dispatcher.DispatchController
type Headers = Record<string, string | string[] | undefined>

/**
 * One request and its reply, driven by undici's callbacks and read as an async iterable. Chunks are handed on as they
 * come off the socket: going through a Readable costs an object, a second queue and several ticks for each exchange.
 */
export class Exchange implements Dispatcher.DispatchHandler, AsyncIterableIterator<Uint8Array> {
  /** Settles when the status line and headers are there, or when it is certain that they won't come. */
  readonly head: Promise<ReplyHead>
  readonly #options: ExchangeOptions
  readonly #timer: NodeJS.Timeout
  readonly #chunks: Uint8Array[] = []
  readonly #resolveHead: (head: ReplyHead) => void
  readonly #rejectHead: (error: OutgoingError) => void
  #wake: (() => void) | undefined
  #controller: Controller | undefined
  #error: OutgoingError | undefined
  #unread = 0
  /** Of the body as announced; NaN where it is not. */
  #length = Number.NaN
  #received = 0
  #started = false
  #ended = false
  #discarded = false

  constructor(options: ExchangeOptions) {
    const { promise, resolve, reject } = Promise.withResolvers<ReplyHead>()
    this.head = promise
    this.#resolveHead = resolve
    this.#rejectHead = reject
    this.#options = options
    this.#timer = setTimeout(this.#onTimeout, options.timeout)
    options.signal.addEventListener('abort', this.#onAbort)
    if (options.signal.aborted) this.#onAbort()
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller
    if (this.#error === undefined) this.#started = true
    else controller.abort(this.#error)
  }

  onResponseStart(_controller: Controller, status: number, headers: Headers): void {
    if (status < 200 || this.#error !== undefined) return
    const head = toReplyHead(status, headers)
    this.#length = Number(head.headers['content-length'] ?? Number.NaN)
    if (this.#length > this.#options.maxBytes) this.#failTooLarge()
    else this.#resolveHead(head)
  }

  onResponseData(controller: Controller, chunk: Uint8Array): void {
    this.#received += chunk.length
    if (this.#discarded) return
    if (this.#received > this.#options.maxBytes) this.#failTooLarge()
    else this.#keep(controller, chunk)
  }

  onResponseEnd(): void {
    this.#ended = true
    this.#release()
  }

  onResponseError(_controller: Controller | undefined, error: Error): void {
    this.fail(error)
  }

  /** Ends the exchange with an error from outside; once it is over, nothing changes. */
  fail(cause: unknown): void {
    if (cause instanceof BlockedAddress) this.#fail('blocked', cause.message, cause)
    else this.#fail('network', describe(cause), cause)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) return { done: false, value: this.#read(chunk) }
      if (this.#error !== undefined) throw this.#error
      if (this.#ended || this.#discarded) return { done: true, value: undefined }
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await promise
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.discard()
    return { done: true, value: undefined }
  }

  /** Drops what is left of the reply. Needed by whoever does not read it to the end. */
  discard(): void {
    if (this.#ended || this.#error !== undefined || this.#discarded) return
    this.#chunks.length = 0
    this.#discarded = true
    if (this.#length - this.#received <= WORTH_DRAINING) this.#controller?.resume()
    else this.#fail('aborted', 'the rest of the reply was not wanted')
    this.#wake?.()
  }

  #keep(controller: Controller, chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#unread += chunk.length
    if (this.#unread >= HIGH_WATER) controller.pause()
    this.#wake?.()
  }

  #read(chunk: Uint8Array): Uint8Array {
    this.#unread -= chunk.length
    if (this.#unread < HIGH_WATER) this.#controller?.resume()
    return chunk
  }

  #failTooLarge(): void {
    this.#fail('too_large', `the reply is longer than ${this.#options.maxBytes} bytes`)
  }

  readonly #onTimeout = (): void => {
    this.#fail('timeout', `no complete answer within ${Math.round(this.#options.timeout)} ms`)
  }

  readonly #onAbort = (): void => {
    this.#fail('aborted', 'the request was given up', this.#options.signal.reason)
  }

  #fail(kind: OutgoingErrorKind, detail: string, cause?: unknown): void {
    if (this.#error !== undefined || this.#ended) return
    const sent = this.#started && (this.#options.isBodySent?.() ?? true)
    this.#error = new OutgoingError(kind, { detail, sent, cause })
    this.#rejectHead(this.#error)
    this.#release()
    this.#controller?.abort(this.#error)
  }

  #release(): void {
    clearTimeout(this.#timer)
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    this.#wake?.()
  }
}

export function toReplyHead(status: number, headers: Headers): ReplyHead {
  const plain: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return { status, headers: plain }
}

/** What went wrong with a connection, in a few words. */
export function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return 'the connection failed'
  // A host with several addresses fails with one error for each; the first says enough.
  const error = cause instanceof AggregateError && cause.errors[0] instanceof Error ? cause.errors[0] : cause
  return error.message === '' ? error.name : error.message
}
