import type { OutgoingReply } from '../base/http.ts'
import { decompress } from '../bytes/decompress.ts'

/** Ten pictures of 64 MiB and more than that in base64. Nothing of it is held in memory. */
export const MAX_REPLY_BYTES = 1024 * 1024 * 1024

/** Error bodies are short; what is longer is a web page. */
export const MAX_ERROR_BYTES = 64 * 1024

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

/** The fields of an object; none for everything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** Whether a body that is no JSON is a web page: a wrong base URL or something in between. */
export function isPage(body: unknown, text: string): boolean {
  return body === undefined && /^\s*<(!doctype|html|head|\?xml)/i.test(text)
}
