import { readBase64 } from './read-base64.ts'
import { Spooled, SpooledText } from './spooled.ts'

/** Bytes of a picture per read: a multiple of 3, so that the base64 of each piece can stand alone. */
const READ_BYTES = 192 * 1024

/** A body of this length or less is one chunk. */
const SMALL = 64 * 1024

export interface JsonBody {
  /** Exact length in bytes, for `Content-Length`. */
  length: number
  /** The body; pictures are read while it is. May be called again. */
  chunks(): AsyncIterable<Uint8Array>
}

/**
 * A value as JSON, as `JSON.stringify` has it, with the base64 of each `Spooled` (after its prefix) read from disk when
 * its turn comes. The files must stay where they are until the chunks are read.
 */
export function writeJson(value: unknown): JsonBody {
  const segments = split(value)
  const length = segments.reduce((sum, segment) => sum + lengthOf(segment), 0)
  return { length, chunks: () => (length <= SMALL ? inOne(segments, length) : stream(segments)) }
}

/** The same picture with another text before its base64, e.g. none for a bare `b64_json`. */
export function withPrefix(picture: Spooled, prefix: string): Spooled {
  return new Spooled({ ...picture, prefix })
}

type Segment = Buffer | Spooled

function split(value: unknown): Segment[] {
  const secret = crypto.randomUUID()
  const pictures: Spooled[] = []
  const mark = (picture: Spooled) => `${picture.prefix}${secret}${pictures.push(picture) - 1};`
  const text =
    JSON.stringify(value, (_key, item: unknown) => {
      if (item instanceof Spooled) return mark(item)
      if (!(item instanceof SpooledText)) return item
      return item.parts.map((part) => (typeof part === 'string' ? part : mark(part))).join('')
    }) ?? 'null'
  if (pictures.length === 0) return [Buffer.from(text)]
  const pieces = text.split(new RegExp(`${secret}(\\d+);`))
  return pieces.map((piece, index) => (index % 2 === 1 && pictures[Number(piece)]) || Buffer.from(piece))
}

function lengthOf(segment: Segment): number {
  return segment instanceof Spooled ? 4 * Math.ceil(segment.bytes / 3) : segment.length
}

async function* inOne(segments: Segment[], length: number): AsyncIterable<Uint8Array> {
  const whole: Uint8Array[] = []
  for await (const chunk of stream(segments)) whole.push(chunk)
  yield Buffer.concat(whole, length)
}

async function* stream(segments: Segment[]): AsyncIterable<Uint8Array> {
  for (const segment of segments) {
    if (segment instanceof Spooled) {
      for await (const piece of readBase64(segment, READ_BYTES)) yield Buffer.from(piece, 'latin1')
    } else if (segment.length > 0) yield segment
  }
}
