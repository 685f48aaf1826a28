/**
 * How often which token occurs in a text, packed small: how many tokens there are (4 bytes), then a hash and a count
 * (5 bytes) for each that occurs more than once. The rest occur once, or the text would not have been found.
 */
export function packCounts(tokens: readonly string[]): Uint8Array {
  const counts = new Map<string, number>()
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1)
  const repeated = [...counts].filter(([, count]) => count > 1)
  const packed = new DataView(new ArrayBuffer(4 + 5 * repeated.length))
  packed.setUint32(0, tokens.length)
  for (const [index, [token, count]] of repeated.entries()) {
    packed.setUint32(4 + 5 * index, hashOf(token))
    packed.setUint8(8 + 5 * index, Math.min(count, 255))
  }
  return new Uint8Array(packed.buffer)
}

/**
 * How much a text is about the tokens with these hashes: BM25 without its weights for rare words, since every text that
 * is compared has all the words.
 */
export function relevanceOf(packed: Uint8Array, hashes: ReadonlySet<number>): number {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  const length = SATURATION * (1 - LENGTH_COUNTS + (LENGTH_COUNTS * view.getUint32(0)) / USUAL_LENGTH)
  const relevance = (count: number) => count / (count + length)
  let sum = hashes.size * relevance(1)
  for (let at = 4; at < packed.byteLength; at += 5) {
    if (hashes.has(view.getUint32(at))) sum += relevance(view.getUint8(at + 4)) - relevance(1)
  }
  return sum
}

/** FNV-1a. Two tokens with the same hash cost an order that is a little off, nothing else. */
export function hashOf(token: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < token.length; index += 1) {
    hash = Math.imul(hash ^ token.charCodeAt(index), 0x01000193)
  }
  return hash >>> 0
}

/** The usual constants of BM25. */
const SATURATION = 1.2
const LENGTH_COUNTS = 0.75

/** Tokens of a prompt. BM25 takes the average of all texts, but then a new text would move the others. */
const USUAL_LENGTH = 50
