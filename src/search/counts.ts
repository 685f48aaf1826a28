/**
 * How often which token occurs in a text, packed small, since thousands of them are read for one search: how many tokens
 * there are (4 letters), then a key (3 letters) and a count (1 letter) for each that occurs more than once. The others
 * occur once, or the text would not have been found.
 */
export function packCounts(tokens: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1)
  let packed = Math.min(tokens.length, MOST_TOKENS).toString(36).padStart(4, '0')
  for (const [token, count] of counts) {
    if (count > 1) packed += keyOf(token) + Math.min(count, MOST_COUNTED).toString(36)
  }
  return packed
}

/**
 * How much a text is about the tokens with these keys: BM25 without its weights for rare words, since all texts that are
 * compared have all the words.
 */
export function relevanceOf(packed: string, keys: ReadonlySet<string>): number {
  const length = Number.parseInt(packed.slice(0, 4), 36)
  const slowness = SATURATION * (1 - LENGTH_COUNTS + (LENGTH_COUNTS * length) / USUAL_LENGTH)
  let sum = keys.size / (1 + slowness)
  for (let at = 4; at < packed.length; at += 4) {
    if (!keys.has(packed.slice(at, at + 3))) continue
    const count = Number.parseInt(packed.charAt(at + 3), 36)
    sum += count / (count + slowness) - 1 / (1 + slowness)
  }
  return sum
}

/**
 * 15 bits of a hash (FNV-1a). Where two tokens of a text have the same key, the order is a little off; nothing else
 * depends on it.
 */
export function keyOf(token: string): string {
  let hash = 0x811c9dc5
  for (let index = 0; index < token.length; index += 1) {
    hash = Math.imul(hash ^ token.charCodeAt(index), 0x01000193)
  }
  return (((hash >>> 15) ^ hash) & 0x7fff).toString(36).padStart(3, '0')
}

const MOST_TOKENS = 36 ** 4 - 1
const MOST_COUNTED = 35

/** The usual constants of BM25. */
const SATURATION = 1.2
const LENGTH_COUNTS = 0.75

/** Tokens of a prompt. BM25 takes the average of all texts, but then a new text would move the others. */
const USUAL_LENGTH = 50
