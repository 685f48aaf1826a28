import type { Kysely } from 'kysely'
import type { Schema } from '../db/schema.ts'

export type Query = Kysely<Schema>

/** What is searched. Each has tables of its own, made by a migration with `facts.createSearchTables('search_…')`. */
export type Collection = 'task'

/**
 * The index of one database engine over one collection. It knows tokens (`encode.ts`) and nothing of words. Texts have
 * numbers, which rise as they are added and are never used twice.
 */
export interface SearchEngine {
  /** Adds a text, in place of the one with this id; that keeps its number. */
  add(query: Query, text: IndexedText): Promise<void>
  /** @param ids at least one, at most 1,000 */
  remove(query: Query, ids: readonly string[]): Promise<void>
  /** The numbers of texts that match, the newest first. @param before only those with smaller numbers */
  newest(query: Query, wanted: Wanted, before: number, limit: number): Promise<number[]>
  /** The numbers of the newest `most` texts that match, the most relevant first, then the newest. */
  rank(query: Query, wanted: Wanted, most: number): Promise<number[]>
}

export interface IndexedText {
  id: string
  /** A token. */
  owner: string
  /** Tokens, as often as they occur. */
  words: readonly string[]
}

/** What a text must have to match. */
export interface Wanted {
  /** A token; without one it may be anybody's. */
  owner: string | undefined
  /** Different tokens, at least one. All must be there. */
  words: readonly string[]
}

/** All tokens that must be there, as a list with spaces. */
export const allOf = ({ owner, words }: Wanted, mark = ''): string =>
  [...(owner === undefined ? [] : [owner]), ...words].map((token) => `${mark}${token}`).join(' ')
