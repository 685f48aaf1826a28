/** Memory is bounded by this, also where a body comes as one buffer. */
const LONGEST = 64 * 1024

/** The same bytes in pieces of 64 KiB at most; nothing is copied. */
export function cut(chunk: Uint8Array): Buffer[] {
  if (Buffer.isBuffer(chunk) && chunk.length <= LONGEST) return [chunk]
  const pieces: Buffer[] = []
  for (let at = 0; at < chunk.length; at += LONGEST) {
    pieces.push(Buffer.from(chunk.buffer, chunk.byteOffset + at, Math.min(LONGEST, chunk.length - at)))
  }
  return pieces
}
