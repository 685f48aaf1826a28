import { createReadStream } from 'node:fs'
import type { Spooled } from '../../bytes/spooled.ts'

/** One field of a form: a text or a file. */
export interface Part {
  name: string
  value: string | Spooled
}

/** A form that is read from disk while it is sent. */
export interface FormBody {
  contentType: string
  /** Exact length in bytes: many upstreams refuse a chunked form. */
  length: number
  chunks(): AsyncIterable<Uint8Array>
}

/** Puts fields and files into `multipart/form-data` (RFC 7578), in their order. */
export function writeForm(parts: readonly Part[]): FormBody {
  const boundary = `pictor-${crypto.randomUUID()}`
  const pieces = [
    ...parts.flatMap((part) => [head(part, boundary), part.value, '\r\n']),
    `--${boundary}--\r\n`,
  ]
  const length = pieces.reduce((sum, piece) => sum + lengthOf(piece), 0)
  return { contentType: `multipart/form-data; boundary=${boundary}`, length, chunks: () => stream(pieces) }
}

function head({ name, value }: Part, boundary: string): string {
  const disposition = `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(name)}"`
  if (typeof value === 'string') return `${disposition}\r\n\r\n`
  const type = value.mime ?? 'application/octet-stream'
  // Upstreams go by the extension as well as by the type.
  const extension = type.slice(type.indexOf('/') + 1).replace('jpeg', 'jpg')
  return `${disposition}; filename="${escapeName(name).replaceAll(/\W/g, '')}.${extension}"\r\nContent-Type: ${type}\r\n\r\n`
}

/** As browsers do (WHATWG HTML, multipart/form-data encoding). */
function escapeName(name: string): string {
  return name.replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll('"', '%22')
}

function lengthOf(piece: string | Spooled): number {
  return typeof piece === 'string' ? Buffer.byteLength(piece) : piece.bytes
}

async function* stream(pieces: readonly (string | Spooled)[]): AsyncIterable<Uint8Array> {
  for (const piece of pieces) {
    if (typeof piece === 'string') yield Buffer.from(piece)
    else yield* createReadStream(piece.path, { highWaterMark: 256 * 1024 })
  }
}
