import { cut } from './chunks.ts'
import { JsonScanner, type ScanOptions } from './json-scanner.ts'

export type ReadJsonOptions = ScanOptions

/**
 * Parses a JSON body as it arrives. A string of more than 16 KiB that is base64 of a picture, or a data URL, becomes
 * a `Spooled` in a file of the spool; a longer text with such data URLs in it becomes a `SpooledText`;
 * everything else is as `JSON.parse` has it.
 *
 * Throws `BytesError` `invalid_json`, `truncated`, `invalid_base64` or `too_large`; an error of the stream passes through.
 * The files go with the spool's scope. The stream is destroyed on an error: give an incoming request, which must still be
 * answered, as `request.iterator({ destroyOnReturn: false })`.
 */
export async function readJson(
  stream: AsyncIterable<Uint8Array>,
  options: ReadJsonOptions,
): Promise<unknown> {
  const scanner = new JsonScanner(options)
  try {
    for await (const chunk of stream) {
      for (const piece of cut(chunk)) {
        const wait = scanner.push(piece)
        if (wait !== undefined) await wait
      }
    }
    return await scanner.end().parse()
  } catch (error) {
    await scanner.abort()
    throw error
  }
}
