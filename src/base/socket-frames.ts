import { randomBytes } from 'node:crypto'

/** What the frames of a server say (RFC 6455), in the order in which it came. */
export type Piece =
  /** A part of a message; `ends`: the message is complete. */
  | { type: 'data'; bytes: Buffer; ends: boolean }
  | { type: 'ping' | 'pong'; payload: Buffer }
  | { type: 'close'; code: number; reason: string }

/** The other side does not keep to the protocol, or to our limit. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
  /** The close code that says so. */
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** The close code where the connection ended without any. */
export const NO_CLOSE_FRAME = 1006
const NO_STATUS = 1005
const PROTOCOL_ERROR = 1002
const TOO_LARGE = 1009

/** Payload length from which on it stands in the next 2 or 8 bytes. */
const TWO_BYTES = 126
const EIGHT_BYTES = 127
const MAX_CONTROL = 125
const NOTHING = Buffer.alloc(0)

/**
 * Takes the frames of a server apart as their bytes arrive. A message is handed on piece by piece, without a copy:
 * it may be a picture of many megabytes, and whoever reads it wants none of it in memory.
 */
export class FrameReader {
  readonly #limit: number
  /** The beginning of a header, or of a control frame, that the end of a chunk has cut. */
  #cut: Buffer = NOTHING
  /** Bytes of the current data frame that are still to come. */
  #left = 0
  #isLastFrame = false
  #isInMessage = false
  /** Of the message so far. */
  #length = 0

  /** @param limit most bytes of one message */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** @throws {@link FrameError} */
  push(chunk: Buffer): Piece[] {
    const pieces: Piece[] = []
    for (let rest = chunk; rest.length > 0; ) {
      rest = this.#left > 0 ? this.#takePayload(rest, pieces) : this.#takeHeader(rest, pieces)
    }
    return pieces
  }

  #takePayload(rest: Buffer, pieces: Piece[]): Buffer {
    const bytes = rest.subarray(0, this.#left)
    this.#left -= bytes.length
    pieces.push({ type: 'data', bytes, ends: this.#left === 0 && this.#isLastFrame })
    return rest.subarray(bytes.length)
  }

  #takeHeader(rest: Buffer, pieces: Piece[]): Buffer {
    const bytes = this.#cut.length === 0 ? rest : Buffer.concat([this.#cut, rest])
    const header = readHeader(bytes)
    const isControl = header !== undefined && header.opcode >= OPCODES.close
    if (header === undefined || (isControl && bytes.length < header.end + header.length)) {
      this.#cut = Buffer.from(bytes)
      return NOTHING
    }
    this.#cut = NOTHING
    if (isControl) {
      const end = header.end + header.length
      pieces.push(controlPiece(header.opcode, bytes.subarray(header.end, end)))
      return bytes.subarray(end)
    }
    this.#startFrame(header)
    if (header.length === 0) pieces.push({ type: 'data', bytes: NOTHING, ends: header.isLast })
    return bytes.subarray(header.end)
  }

  #startFrame({ opcode, isLast, length }: Header): void {
    if ((opcode === OPCODES.continuation) !== this.#isInMessage)
      throw new FrameError(PROTOCOL_ERROR, 'a message begins or goes on where it cannot')
    this.#length = (this.#isInMessage ? this.#length : 0) + length
    if (this.#length > this.#limit)
      throw new FrameError(TOO_LARGE, `a message is longer than ${this.#limit} bytes`)
    this.#isInMessage = !isLast
    this.#isLastFrame = isLast
    this.#left = length
  }
}

/** A frame as a client sends it: whole and masked. */
export function writeFrame(opcode: number, payload: Buffer): Buffer {
  const long = payload.length < TWO_BYTES ? 0 : payload.length < 65_536 ? 2 : 8
  const head = Buffer.alloc(2 + long)
  head[0] = 0x80 | opcode
  head[1] = 0x80 | (long === 0 ? payload.length : long === 2 ? TWO_BYTES : EIGHT_BYTES)
  if (long === 2) head.writeUInt16BE(payload.length, 2)
  if (long === 8) head.writeBigUInt64BE(BigInt(payload.length), 2)
  const mask = randomBytes(4)
  const masked = Buffer.from(payload)
  for (let at = 0; at < masked.length; at++) masked[at] = (masked[at] ?? 0) ^ (mask[at & 3] ?? 0)
  return Buffer.concat([head, mask, masked])
}

/** The payload of a close frame. */
export function closePayload(code: number): Buffer {
  const payload = Buffer.alloc(2)
  payload.writeUInt16BE(code)
  return payload
}

interface Header {
  opcode: number
  isLast: boolean
  /** Of the payload. */
  length: number
  /** Where the payload begins. */
  end: number
}

/** Undefined when the header is not all there. */
function readHeader(bytes: Buffer): Header | undefined {
  const [first, second] = bytes
  if (first === undefined || second === undefined) return undefined
  const opcode = first & 0x0f
  const isLast = (first & 0x80) !== 0
  if ((first & 0x70) !== 0)
    throw new FrameError(PROTOCOL_ERROR, 'a frame uses an extension that nobody asked for')
  if ((second & 0x80) !== 0) throw new FrameError(PROTOCOL_ERROR, 'a frame of the server is masked')
  const short = second & 0x7f
  if (opcode > OPCODES.binary && (opcode < OPCODES.close || opcode > OPCODES.pong))
    throw new FrameError(PROTOCOL_ERROR, `a frame is of the unknown kind ${opcode}`)
  if (opcode >= OPCODES.close && (!isLast || short > MAX_CONTROL))
    throw new FrameError(PROTOCOL_ERROR, 'a control frame is too long')
  const end = short < TWO_BYTES ? 2 : short === TWO_BYTES ? 4 : 10
  if (bytes.length < end) return undefined
  const length = end === 2 ? short : end === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  return { opcode, isLast, length, end }
}

function controlPiece(opcode: number, payload: Buffer): Piece {
  if (opcode === OPCODES.ping) return { type: 'ping', payload }
  if (opcode === OPCODES.pong) return { type: 'pong', payload }
  const code = payload.length < 2 ? NO_STATUS : payload.readUInt16BE(0)
  return { type: 'close', code, reason: payload.toString('utf8', 2) }
}
