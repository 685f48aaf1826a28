import { readJson } from '../../../bytes/read-json.ts'
import type { RewriteOptions } from './options.ts'

/** A JSON answer for the client: as it came, or a value for `writeJson`. */
export type RewrittenReply = { raw: Uint8Array } | { value: unknown }

/** stub */
export async function rewriteReply(
  body: AsyncIterable<Uint8Array>,
  options: RewriteOptions,
): Promise<RewrittenReply> {
  return { value: await readJson(body, options) }
}
