import { createHash, randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { Dispatcher } from 'undici'
import { BlockedAddress } from './address-guard.ts'
import { describe, type ReplyHead, toReplyHead } from './exchange.ts'
import { OutgoingError } from './outgoing-error.ts'

export interface HandshakeOptions {
  /** As `http:` or `https:`. */
  url: URL
  headers: Readonly<Record<string, string>>
  signal: AbortSignal
  /** Milliseconds until the connection is a WebSocket. */
  timeout: number
}

/** The server answered, but not with a WebSocket. */
export class SocketRefused extends Error implements ReplyHead {
  override readonly name = 'SocketRefused'
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The beginning of what it said. */
  readonly text: string

  constructor({ status, headers }: ReplyHead, text: string) {
    super(`the server answered ${status} in place of a WebSocket`)
    this.status = status
    this.headers = headers
    this.text = text
  }
}

/** Turns a connection of a pool into a WebSocket (RFC 6455, 4.1). @throws {@link SocketRefused}, {@link OutgoingError} */
export async function shakeHands(dispatcher: Dispatcher, options: HandshakeOptions): Promise<Duplex> {
  const key = randomBytes(16).toString('base64')
  const handshake = new Handshake(options, acceptOf(key))
  const { origin, pathname, search } = options.url
  const headers = { ...options.headers, 'sec-websocket-version': '13', 'sec-websocket-key': key }
  try {
    if (!options.signal.aborted) {
      const request = {
        origin,
        path: pathname + search,
        method: 'GET',
        headers,
        upgrade: 'websocket',
      } as const
      dispatcher.dispatch(request, handshake)
    }
  } catch (error) {
    handshake.fail('network', describe(error), error)
  }
  return await handshake.stream
}

const MAX_TEXT = 8 * 1024

function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

class Handshake implements Dispatcher.DispatchHandler {
  readonly stream: Promise<Duplex>
  readonly #options: HandshakeOptions
  readonly #accept: string
  readonly #resolve: (stream: Duplex) => void
  readonly #reject: (error: Error) => void
  readonly #timer: NodeJS.Timeout
  readonly #chunks: Uint8Array[] = []
  #length = 0
  #head: ReplyHead | undefined
  #controller: Dispatcher.DispatchController | undefined
  #isOver = false

  constructor(options: HandshakeOptions, accept: string) {
    const { promise, resolve, reject } = Promise.withResolvers<Duplex>()
    this.stream = promise
    this.#resolve = resolve
    this.#reject = reject
    this.#options = options
    this.#accept = accept
    this.#timer = setTimeout(
      () => this.fail('timeout', `no WebSocket within ${Math.round(options.timeout)} ms`),
      options.timeout,
    )
    options.signal.addEventListener('abort', this.#onAbort)
    if (options.signal.aborted) this.#onAbort()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isOver) controller.abort(new Error('the socket is not wanted any more'))
  }

  onRequestUpgrade(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Parameters<typeof toReplyHead>[1],
    stream: Duplex,
  ): void {
    stream.on('error', () => undefined)
    const head = toReplyHead(status, headers)
    if (this.#isOver) stream.destroy()
    else if (head.headers['sec-websocket-accept'] === this.#accept) this.#settle(() => this.#resolve(stream))
    else {
      stream.destroy()
      this.#settle(() =>
        this.#reject(new SocketRefused(head, 'the answer is not that of a WebSocket server')),
      )
    }
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Parameters<typeof toReplyHead>[1],
  ): void {
    if (status >= 200) this.#head = toReplyHead(status, headers)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    if (this.#length < MAX_TEXT) return
    this.#refuse()
    controller.abort(new Error('the rest of the answer is not wanted'))
  }

  onResponseEnd(): void {
    this.#refuse()
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#head !== undefined) this.#refuse()
    else if (error instanceof BlockedAddress) this.fail('blocked', error.message, error)
    else this.fail('network', describe(error), error)
  }

  fail(kind: OutgoingError['kind'], detail: string, cause?: unknown): void {
    this.#settle(() => this.#reject(new OutgoingError(kind, { detail, sent: false, cause })))
    this.#controller?.abort(new Error(detail))
  }

  readonly #onAbort = (): void => {
    this.fail('aborted', 'the socket was given up', this.#options.signal.reason)
  }

  #refuse(): void {
    const head = this.#head ?? { status: 0, headers: {} }
    const text = Buffer.concat(this.#chunks).toString('utf8', 0, MAX_TEXT)
    this.#settle(() => this.#reject(new SocketRefused(head, text)))
  }

  #settle(act: () => void): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    act()
  }
}
