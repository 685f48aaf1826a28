import type { RewriteOptions } from './options.ts'

/** stub */
export async function* rewriteStream(
  body: AsyncIterable<Uint8Array>,
  _options: RewriteOptions,
): AsyncGenerator<Uint8Array, void> {
  yield* body
}
