import { constants, crc32, deflateSync } from 'node:zlib'

/** A PNG in two parts: what all pictures of a run share, and what is each one's own. */
export interface Picture {
  /** A multiple of three bytes, so that the base64 of both parts can be joined. */
  head: Buffer
  /** A comment with the number, and the end of the file. */
  tail(number: number): Buffer
}

/** A decodable picture of patches and noise, which a thumbnail cannot make small, of `bytes` bytes (up to two less). */
export function paintPicture(bytes: number): Picture {
  const side = Math.floor(Math.sqrt(bytes / BYTES_PER_PIXEL))
  const parts = [
    SIGNATURE,
    chunk('IHDR', header(side)),
    chunk('IDAT', deflateSync(rows(side), { strategy: constants.Z_HUFFMAN_ONLY })),
  ]
  const missing = bytes - TAIL_BYTES - CHUNK_BYTES - parts.reduce((sum, part) => sum + part.length, 0)
  if (missing < 0) throw new Error(`${bytes} bytes are too few for ${side}×${side} pixels`)
  parts.push(chunk('biLl', Buffer.alloc(missing - ((bytes - TAIL_BYTES) % 3))))
  return { head: Buffer.concat(parts), tail }
}

/** Generous: what is missing to the wanted size becomes a private chunk. */
const BYTES_PER_PIXEL = 1.55
/** Side of a patch of one colour, in pixels. */
const PATCH = 28
/** Length, type and checksum of a chunk. */
const CHUNK_BYTES = 12
const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
const END = chunk('IEND', Buffer.alloc(0))
const TAIL_BYTES = tail(0).length

function tail(number: number): Buffer {
  return Buffer.concat([chunk('tEXt', Buffer.from(`Comment\0${String(number).padStart(16, '0')}`)), END])
}

/** RGB, eight bits each. */
function header(side: number): Buffer {
  const data = Buffer.alloc(13)
  data.writeUInt32BE(side, 0)
  data.writeUInt32BE(side, 4)
  data.set([8, 2, 0, 0, 0], 8)
  return data
}

function rows(side: number): Buffer {
  const stride = 1 + side * 3
  const data = Buffer.alloc(stride * side)
  let state = 0x9e3779b9
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 28
  }
  const patches = Uint8Array.from({ length: stride }, random)
  for (let y = 0; y < side; y += 1) {
    if (y % PATCH === 0)
      patches.forEach((_, index) => {
        patches[index] = 60 * (random() >>> 2)
      })
    for (let x = 0; x < side * 3; x += 1) {
      data[y * stride + 1 + x] = (patches[Math.floor(x / 3 / PATCH)] ?? 0) + (random() >>> 2)
    }
  }
  return data
}

function chunk(type: string, data: Buffer): Buffer {
  const framed = Buffer.alloc(CHUNK_BYTES + data.length)
  framed.writeUInt32BE(data.length, 0)
  framed.write(type, 4, 'latin1')
  framed.set(data, 8)
  framed.writeUInt32BE(crc32(framed.subarray(4, 8 + data.length)), 8 + data.length)
  return framed
}
