import type { OutgoingReply } from '../base/http.ts'
import { decompress } from '../bytes/decompress.ts'

/** The body of a reply as it was before compression: we don't ask for any, and some upstreams compress all the same. */
export function bodyOf(reply: OutgoingReply): AsyncIterable<Uint8Array> {
  return decompress(reply.body, reply.headers['content-encoding'])
}

/** Media type without parameters, in lower case; empty where the reply names none. */
export function mediaTypeOf(reply: OutgoingReply): string {
  return (reply.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
}

/** The first `limit` bytes of a reply as text; the rest is dropped. For error messages and other small things. */
export async function readText(reply: OutgoingReply, limit: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of bodyOf(reply)) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= limit) break
  }
  return Buffer.concat(chunks, Math.min(length, limit)).toString('utf8')
}

/** A JSON text as a value; undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
