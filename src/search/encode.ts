import { createHash } from 'node:crypto'

/**
 * A word as a token that every engine's index takes as it is: small Latin letters and digits, 4 to 80 of them. Different
 * words are different tokens. No token is a stop word of InnoDB, which are English, or shorter than the tokens it keeps, or an operator of
 * any query syntax.
 */
export function encodeWord(word: string): string {
  const token = PLAIN.test(word) ? `zza${word}` : `zzu${[...word].map(encodeCharacter).join('')}`
  return token.length <= MOST_LETTERS ? token : `zzh${hash(word)}`
}

/** A token that the words of no text have: it tells whose text it is. */
export const encodeOwner = (owner: string): string => `zzo${hash(owner)}`

/** InnoDB keeps no token of more than 84 letters. */
const MOST_LETTERS = 80

const PLAIN = /^[a-z0-9]+$/

/** Four letters to each, so that no two words run together. */
const encodeCharacter = (character: string) => (character.codePointAt(0) ?? 0).toString(36).padStart(4, '0')

const hash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32)
