import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameReader, type Piece, writeFrame } from './socket-frames.ts'

interface Frame {
  opcode: number
  payload: Uint8Array
  isLast: boolean
}

/** As a server sends it: not masked. */
function serverFrame({ opcode, payload, isLast }: Frame): Buffer {
  const { length } = payload
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10)
  head[0] = (isLast ? 0x80 : 0) | opcode
  head[1] = length < 126 ? length : length < 65_536 ? 126 : 127
  if (head.length === 4) head.writeUInt16BE(length, 2)
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([head, payload])
}

function readAll(bytes: Buffer, sizes: readonly number[], limit = 1_000_000): Piece[] {
  const reader = new FrameReader(limit)
  const pieces: Piece[] = []
  for (let at = 0, index = 0; at < bytes.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1
    pieces.push(...reader.push(bytes.subarray(at, at + size)))
    at += size
  }
  return pieces
}

/** Messages whole again, and control frames where they came. */
function summary(pieces: readonly Piece[]): string[] {
  const found: string[] = []
  let message: Buffer[] = []
  for (const piece of pieces) {
    if (piece.type === 'close') found.push(`close ${piece.code} ${piece.reason}`)
    else if (piece.type !== 'data') found.push(`${piece.type} ${piece.payload.toString('hex')}`)
    else {
      message.push(Buffer.from(piece.bytes))
      if (piece.ends) found.push(`message ${Buffer.concat(message.splice(0)).toString('hex')}`)
    }
  }
  expect(message).toEqual([])
  message = []
  return found
}

const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 6 })
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.constantFrom(125, 126, 127, 65_535, 65_536, 70_000).map((length) => new Uint8Array(length).fill(7)),
)
const message = fc.record({
  parts: fc.array(payload, { minLength: 1, maxLength: 4 }),
  ping: fc.uint8Array({ maxLength: 125 }),
})

test('messages come out as they went in, whatever their fragments and wherever the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 4 }), sizes, (messages, cuts) => {
      const expected: string[] = []
      const frames = messages.flatMap(({ parts, ping }) => {
        const own = parts.flatMap((part, index): Frame[] => {
          const isLast = index === parts.length - 1
          const frame = { opcode: index === 0 ? 1 : 0, payload: part, isLast }
          // A control frame may stand between the fragments.
          return isLast ? [{ opcode: 9, payload: ping, isLast: true }, frame] : [frame]
        })
        expected.push(`ping ${Buffer.from(ping).toString('hex')}`)
        expected.push(`message ${Buffer.concat(parts).toString('hex')}`)
        return own
      })
      const bytes = Buffer.concat(frames.map(serverFrame))
      expect(summary(readAll(bytes, cuts))).toEqual(expected)
    }),
    { numRuns: 60 },
  )
})

test('nothing of a long message is gathered: its pieces lie in the bytes that came', () => {
  const bytes = serverFrame({ opcode: 1, payload: Buffer.alloc(300_000, 'x'), isLast: true })
  const pieces = readAll(bytes, [65_536])
  expect(pieces).toHaveLength(5)
  for (const piece of pieces) expect(piece.type === 'data' && piece.bytes.buffer === bytes.buffer).toBe(true)
})

test('a close says why', () => {
  const close = (payload: Buffer) => readAll(serverFrame({ opcode: 8, payload, isLast: true }), [1])
  const [reason] = close(Buffer.concat([Buffer.from([0x03, 0xf0]), Buffer.from('zu schnell – später')]))
  expect(reason).toEqual({ type: 'close', code: 1008, reason: 'zu schnell – später' })
  expect(close(Buffer.alloc(0))).toEqual([{ type: 'close', code: 1005, reason: '' }])
})

describe('what breaks the protocol is refused', () => {
  const long = serverFrame({ opcode: 1, payload: Buffer.alloc(200), isLast: true })
  test.each<[string, Buffer, number]>([
    ['a masked frame', Buffer.from([0x81, 0x80, 0, 0, 0, 0]), 1002],
    ['an extension', Buffer.from([0xc1, 0x00]), 1002],
    ['an unknown kind', Buffer.from([0x83, 0x00]), 1002],
    ['an unknown control frame', Buffer.from([0x8b, 0x00]), 1002],
    ['a continuation of nothing', Buffer.from([0x80, 0x00]), 1002],
    ['a message within a message', Buffer.from([0x01, 0x00, 0x81, 0x00]), 1002],
    ['a control frame in fragments', Buffer.from([0x09, 0x00]), 1002],
    ['a long control frame', Buffer.from([0x89, 126, 0, 126]), 1002],
    ['a message above the limit', long, 1009],
    ['a length beyond all bounds', Buffer.from([0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255]), 1009],
    [
      'fragments above the limit',
      Buffer.concat([
        serverFrame({ opcode: 1, payload: Buffer.alloc(80), isLast: false }),
        serverFrame({ opcode: 0, payload: Buffer.alloc(80), isLast: true }),
      ]),
      1009,
    ],
  ])('%s', (_name, bytes, code) => {
    expect(() => readAll(bytes, [3], 100)).toThrow(expect.objectContaining({ name: 'FrameError', code }))
  })
})

test.each([0, 125, 126, 65_535, 65_536])('a frame of ours with %i bytes is masked', (length) => {
  const payload = Buffer.alloc(length, 'prompt')
  const frame = writeFrame(1, payload)
  const start = frame.length - length
  expect(frame[0]).toBe(0x81)
  expect((frame[1] ?? 0) & 0x80).toBe(0x80)
  const mask = frame.subarray(start - 4, start)
  const unmasked = frame.subarray(start).map((byte, at) => byte ^ (mask[at & 3] ?? 0))
  expect(Buffer.compare(Buffer.from(unmasked), payload)).toBe(0)
})
