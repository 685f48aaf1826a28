import type { Duplex } from 'node:stream'
import { describe } from './exchange.ts'
import { OutgoingError, type OutgoingErrorKind } from './outgoing-error.ts'
import {
  closePayload,
  FrameError,
  FrameReader,
  NO_CLOSE_FRAME,
  OPCODES,
  type Piece,
  writeFrame,
} from './socket-frames.ts'

export interface SocketRequest {
  /** `ws://` or `wss://`. */
  url: string
  /** Names in lower case. */
  headers?: Readonly<Record<string, string>> | undefined
  /** Ends the socket at once, also while it is read. */
  signal: AbortSignal
  /** Milliseconds until the handshake is done. How long the socket may then live is for the caller to say, by the signal. */
  connectTimeout: number
  /** See `OutgoingRequest`. */
  trust: 'operator' | 'guarded'
  /** In place of the proxy of all requests. */
  proxyUrl?: string | undefined
  /** Longest message in bytes. */
  maxMessageBytes: number
  /** Milliseconds between two pings; where one is not answered, the socket has failed. Default: 20 s. */
  pingInterval?: number | undefined
}

/** A part of a message as it came off the wire; `ends`: the message is complete. */
export interface MessagePiece {
  bytes: Buffer
  ends: boolean
}

/** How the other side ended it. 1006 where it did not say. */
export interface SocketEnd {
  code: number
  reason: string
}

/** From this many unread bytes on the connection is paused, so that memory does not grow with the size of a message. */
const HIGH_WATER = 128 * 1024
/** As browsers' clients of such services do; proxies close a connection that is silent for a minute. */
const PING_INTERVAL = 20_000
/** How long the other side has to end the connection after a close. */
const CLOSE_TIMEOUT = 1000
const NORMAL = 1000
const GOING_AWAY = 1001
/** Codes that stand for something that was not on the wire (RFC 6455, 7.4.1). */
const UNSENDABLE = new Set([1005, 1006, 1015])

/**
 * A WebSocket, read as pieces of messages: none is ever gathered here. Reading ends when the other side closes, and
 * {@link end} then says how; a broken connection, a broken frame and an abort are thrown as {@link OutgoingError}.
 */
export class OutgoingSocket implements AsyncIterableIterator<MessagePiece> {
  readonly #stream: Duplex
  readonly #signal: AbortSignal
  readonly #frames: FrameReader
  readonly #released: () => void
  readonly #pings: NodeJS.Timeout
  readonly #pieces: MessagePiece[] = []
  #unread = 0
  #wake: (() => void) | undefined
  #end: SocketEnd | undefined
  #error: OutgoingError | undefined
  #isSent = false
  #isLeft = false
  /** Whether we have said goodbye. */
  #isFinishing = false
  /** Whether anything came since the last ping. */
  #isAlive = true

  /** Use `Outgoing.socket`. @param released called once, when nothing will happen any more */
  constructor(
    stream: Duplex,
    {
      signal,
      maxMessageBytes,
      pingInterval,
    }: Pick<SocketRequest, 'signal' | 'maxMessageBytes' | 'pingInterval'>,
    released: () => void,
  ) {
    this.#stream = stream
    this.#signal = signal
    this.#released = released
    this.#frames = new FrameReader(maxMessageBytes)
    this.#pings = setInterval(this.#onPing, pingInterval ?? PING_INTERVAL).unref()
    stream.on('data', this.#onData)
    stream.on('end', this.#onEnd)
    stream.on('error', (error) => this.#fail('network', describe(error), error))
    stream.once('close', this.#onClose)
    signal.addEventListener('abort', this.#onAbort)
    if (signal.aborted) this.#onAbort()
    if (stream.destroyed) this.#onClose()
  }

  /** Set when the other side has ended it. */
  get end(): SocketEnd | undefined {
    return this.#end
  }

  /** Sends a text message. What is sent on a closed socket is lost; reading tells that it is closed. */
  send(text: string): void {
    this.#isSent = true
    this.#write(OPCODES.text, Buffer.from(text))
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<MessagePiece, undefined>> {
    for (;;) {
      const piece = this.#pieces.shift()
      if (piece !== undefined) return { done: false, value: this.#taken(piece) }
      if (this.#error !== undefined) throw this.#error
      if (this.#end !== undefined || this.#isLeft) return { done: true, value: undefined }
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await promise
    }
  }

  async return(): Promise<IteratorResult<MessagePiece, undefined>> {
    this.close()
    return { done: true, value: undefined }
  }

  /** Says goodbye. What still comes is dropped. */
  close(code: number = NORMAL): void {
    if (this.#isLeft) return
    this.#isLeft = true
    this.#pieces.length = 0
    if (this.#end === undefined) this.#finish(code)
    this.#wake?.()
  }

  /** Ends it without a word. */
  destroy(): void {
    this.#fail('aborted', 'the socket was closed here')
  }

  #finish(code: number): void {
    this.#isFinishing = true
    this.#write(OPCODES.close, closePayload(code))
    // The server ends the connection (RFC 6455, 7.1.1), so that the port is not kept waiting on our side.
    this.#stream.resume()
    const late = setTimeout(() => this.#stream.destroy(), CLOSE_TIMEOUT).unref()
    this.#stream.once('close', () => clearTimeout(late))
  }

  #taken(piece: MessagePiece): MessagePiece {
    this.#unread -= piece.bytes.length
    if (this.#unread < HIGH_WATER) this.#stream.resume()
    return piece
  }

  #write(opcode: number, payload: Buffer): void {
    if (this.#stream.writable) this.#stream.write(writeFrame(opcode, payload))
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#isAlive = true
    if (this.#isLeft || this.#end !== undefined || this.#error !== undefined) return
    try {
      for (const piece of this.#frames.push(chunk)) this.#take(piece)
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.#write(OPCODES.close, closePayload(error.code))
      this.#fail(error.code === 1009 ? 'too_large' : 'network', error.message, error)
    }
    if (this.#unread >= HIGH_WATER) this.#stream.pause()
    this.#wake?.()
  }

  #take(piece: Piece): void {
    if (this.#end !== undefined) return
    if (piece.type === 'data') {
      this.#pieces.push(piece)
      this.#unread += piece.bytes.length
    } else if (piece.type === 'ping') this.#write(OPCODES.pong, piece.payload)
    else if (piece.type === 'close') this.#onGoodbye(piece)
  }

  #onGoodbye({ code, reason }: SocketEnd): void {
    this.#end = { code, reason }
    this.#finish(code < NORMAL || UNSENDABLE.has(code) ? NORMAL : code)
  }

  readonly #onEnd = (): void => {
    this.#end ??= { code: NO_CLOSE_FRAME, reason: '' }
    this.#stream.end()
    this.#wake?.()
  }

  readonly #onClose = (): void => {
    this.#end ??= { code: NO_CLOSE_FRAME, reason: '' }
    clearInterval(this.#pings)
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#released()
    this.#wake?.()
  }

  readonly #onPing = (): void => {
    const isHeldBack = this.#unread >= HIGH_WATER
    if (this.#isAlive || isHeldBack) this.#write(OPCODES.ping, Buffer.alloc(0))
    else this.#fail('network', 'the other side does not answer any more')
    this.#isAlive = false
  }

  readonly #onAbort = (): void => {
    if (this.#end === undefined && !this.#isLeft) this.#finish(GOING_AWAY)
    this.#fail('aborted', 'the socket was given up', this.#signal.reason)
  }

  #fail(kind: OutgoingErrorKind, detail: string, cause?: unknown): void {
    if (this.#error !== undefined || this.#end !== undefined || this.#isLeft) {
      this.#stream.destroy()
      return
    }
    this.#error = new OutgoingError(kind, { detail, sent: this.#isSent, cause })
    if (kind === 'aborted') this.#pieces.length = 0
    if (kind !== 'aborted' || !this.#isFinishing) this.#stream.destroy()
    this.#wake?.()
  }
}
