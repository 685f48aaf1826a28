import { Base64Run } from './base64-run.ts'
import { BytesError } from './bytes-error.ts'
import type { Spool, SpoolWriter } from './spool.ts'
import type { Spooled } from './spooled.ts'

const DATA_URL = /^data:[^,]{0,200};base64,/i
const PIECE = 64 * 1024

/** Whether a text begins like a base64 data URL. */
export function isDataUrl(text: string): boolean {
  return DATA_URL.test(text)
}

/**
 * Decodes a data URL or bare base64 into a file: for pictures too small for `readJson` to have taken them out.
 * White space, both alphabets and missing padding are taken. Throws {@link BytesError} `invalid_base64`.
 */
export async function spoolBase64(text: string, spool: Spool): Promise<Spooled> {
  const prefix = DATA_URL.exec(text)?.[0] ?? ''
  const writer = spool.writer()
  try {
    decode(text, prefix.length, writer)
    await writer.drain()
    return await writer.finish(prefix)
  } catch (error) {
    await writer.abort()
    throw error
  }
}

function decode(text: string, from: number, writer: SpoolWriter): void {
  const run = new Base64Run(writer, 'whole')
  let at = from
  for (let rest: Buffer | undefined; at < text.length && rest === undefined; ) {
    const piece = Buffer.from(text.slice(at, at + PIECE), 'latin1')
    rest = run.push(piece, at)
    at += piece.length - (rest?.length ?? 0)
  }
  if (text.slice(at).trim() !== '') throw invalid('something follows the end of the base64', at)
  run.end(text.length)
  if (writer.bytes === 0) throw invalid('there is none', from)
}

function invalid(detail: string, offset: number): BytesError {
  return new BytesError('invalid_base64', detail, { offset })
}
