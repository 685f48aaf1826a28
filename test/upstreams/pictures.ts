import { crc32, deflateSync } from 'node:zlib'
import sharp from 'sharp'

export type PictureFormat = 'png' | 'jpeg' | 'webp'

export interface PictureOptions {
  width: number
  height: number
  format: PictureFormat
  /** At least this many bytes (png and jpeg): filled up with noise that viewers skip. */
  bytes?: number | undefined
  /** Any text; pictures with different marks differ in their bytes. */
  mark: string
}

/** A valid picture as a shared part and a small own part, so that a benchmark can send many large ones that all differ. */
export interface Picture {
  head: Buffer
  tail: Buffer
}

/** Paints a gradient. The costly part is kept, so another picture of the same size takes microseconds (png, jpeg). */
export async function paint(options: PictureOptions): Promise<Picture> {
  if (options.format === 'png') return { head: pngHead(options), tail: pngTail(options.mark) }
  if (options.format === 'jpeg') return jpeg(options)
  const [red = 0, green = 0, blue = 0] = Buffer.from(String(crc32(options.mark)))
  const { width, height } = options
  const background = { r: red * 4, g: green * 4, b: blue * 4 }
  const webp = sharp({ create: { width, height, channels: 3, background } }).webp({ lossless: true })
  return { head: Buffer.alloc(0), tail: withRiffMark(await webp.toBuffer(), options.mark) }
}

export function whole(picture: Picture): Buffer {
  return Buffer.concat([picture.head, picture.tail])
}

/** A PNG that claims to be 50,000 × 50,000 pixels. */
export function bomb(): Buffer {
  const header = chunk('IHDR', ihdr(50_000, 50_000))
  return Buffer.concat([
    PNG_SIGNATURE,
    header,
    chunk('IDAT', deflateSync(Buffer.alloc(1_000_000))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const heads = new Map<string, Buffer>()

function pngHead({ width, height, bytes = 0 }: PictureOptions): Buffer {
  const key = `png ${width} ${height} ${bytes}`
  const kept = heads.get(key)
  if (kept !== undefined) return kept
  const parts = [
    PNG_SIGNATURE,
    chunk('IHDR', ihdr(width, height)),
    chunk('IDAT', deflateSync(rows(width, height), { level: 1 })),
  ]
  const missing = bytes - parts.reduce((sum, part) => sum + part.length, 0)
  // A multiple of three bytes, so that the base64 of head and tail can be joined.
  const filler =
    Math.max(missing, 0) +
    ((3 - ((parts.reduce((sum, part) => sum + part.length, 0) + 12 + Math.max(missing, 0)) % 3)) % 3)
  parts.push(chunk('piCt', noise(filler)))
  const head = Buffer.concat(parts)
  heads.set(key, head)
  return head
}

function pngTail(mark: string): Buffer {
  return Buffer.concat([
    chunk('tEXt', Buffer.from(`Comment\0${mark}`, 'latin1')),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function ihdr(width: number, height: number): Buffer {
  const data = Buffer.alloc(13)
  data.writeUInt32BE(width, 0)
  data.writeUInt32BE(height, 4)
  data.set([8, 2, 0, 0, 0], 8)
  return data
}

function rows(width: number, height: number): Buffer {
  const stride = 1 + width * 3
  const data = Buffer.alloc(stride * height)
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = y * stride + 1 + x * 3
      data[at] = (x * 255) / width
      data[at + 1] = (y * 255) / height
      data[at + 2] = 128
    }
  }
  return data
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}

/** The same bytes for the same length, and hardly compressible. */
function noise(length: number): Buffer {
  const data = Buffer.alloc(length)
  let state = 0x9e3779b9
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    data[index] = state >>> 24
  }
  return data
}

async function jpeg({ width, height, mark, bytes = 0 }: PictureOptions): Promise<Picture> {
  const key = `jpeg ${width} ${height} ${bytes}`
  let body = heads.get(key)
  if (body === undefined) {
    const image = sharp({ create: { width, height, channels: 3, background: { r: 200, g: 120, b: 40 } } })
    const plain = (await image.jpeg().toBuffer()).subarray(2)
    body = Buffer.concat([...comments(noise(Math.max(0, bytes - plain.length))), plain])
    heads.set(key, body)
  }
  const start = Buffer.concat([Buffer.from([0xff, 0xd8]), ...comments(Buffer.from(mark, 'latin1'))])
  return { head: Buffer.alloc(0), tail: Buffer.concat([start, body]) }
}

/** As segments that readers skip. */
function comments(text: Buffer): Buffer[] {
  const longest = 65_000
  return Array.from({ length: Math.ceil(text.length / longest) }, (_, index) => {
    const part = text.subarray(index * longest, (index + 1) * longest)
    const start = Buffer.from([0xff, 0xfe, 0, 0])
    start.writeUInt16BE(part.length + 2, 2)
    return Buffer.concat([start, part])
  })
}

/** Appends a chunk that readers skip. */
function withRiffMark(webp: Buffer, mark: string): Buffer {
  const data = Buffer.from(mark.length % 2 === 0 ? mark : `${mark} `, 'latin1')
  const frame = Buffer.from('piCt\0\0\0\0', 'latin1')
  frame.writeUInt32LE(data.length, 4)
  const result = Buffer.concat([webp, frame, data])
  result.writeUInt32LE(result.length - 8, 4)
  return result
}
