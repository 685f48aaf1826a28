import { sql } from 'kysely'
import { LRUCache } from 'lru-cache'
import { chunked } from '../db/chunked.ts'
import type { Database } from '../db/connect.ts'
import type { Engine } from '../db/facts.ts'
import { encodeOwner, encodeWord } from './encode.ts'
import { allOf, type Collection, type Query, type SearchEngine, type Wanted } from './engine.ts'
import { mysqlEngine } from './mysql.ts'
import { postgresEngine } from './postgres.ts'
import { sqliteEngine } from './sqlite.ts'
import { indexedWords, searchedWords } from './words.ts'

/**
 * Full-text search over one collection. A text is found when it has every word of the query; nothing in a query is an
 * operator, and a query without words finds nothing. `query` may be a transaction: what it adds goes or stays with it.
 */
export interface SearchIndex {
  /** Makes a text searchable, in place of the one that was added under this id. */
  add(query: Query, text: SearchedText): Promise<void>
  /** Forgets texts; those that are not there are no error. */
  remove(query: Query, ids: readonly string[]): Promise<void>
  /** The ids of texts that match, the newest first: the one that was first added last. */
  newest(query: Query, search: NewestSearch): Promise<string[]>
  /**
   * A page of the texts that match, the most relevant first, the newest among equals. Only the newest 10,000 that match
   * are looked at. A page with an offset goes on in the order that the page without one found, as long as that is kept.
   */
  relevant(query: Query, search: RelevantSearch): Promise<RelevantPage>
}

export interface SearchedText {
  /** A uuidv7. */
  id: string
  owner: string
  text: string
}

interface Search {
  /** Only texts of this owner. */
  owner?: string | undefined
  text: string
  limit: number
}

export interface NewestSearch extends Search {
  /** The last id of the page before; it may have been removed since. */
  before?: string | undefined
}

export interface RelevantSearch extends Search {
  offset: number
}

export interface RelevantPage {
  ids: string[]
  /** Exact below 10,000, which stands for so many or more. */
  total: number
}

const MOST_RANKED = 10_000

/** Some 4 MB: fifty of the longest. */
const MOST_KEPT = 500_000

/** How long a search may be left alone and its next page still goes on in the same order, in ms. */
const KEEP = 10 * 60_000

export function createSearchIndex(
  database: Pick<Database, 'engine'>,
  collection: Collection = 'task',
): SearchIndex {
  const engine = ENGINES[database.engine](collection)
  const rankings = new LRUCache<string, Float64Array>({
    maxSize: MOST_KEPT,
    sizeCalculation: (ranking, search) => ranking.length + search.length,
    ttl: KEEP,
    updateAgeOnGet: true,
  })
  return {
    add: async (query, { id, owner, text }) => {
      const words = (await indexedWords(text)).map(encodeWord)
      await engine.add(query, { id, owner: encodeOwner(owner), words })
    },
    remove: async (query, ids) => {
      for (const some of chunked(ids)) await engine.remove(query, some)
    },
    newest: async (query, search) => {
      const wanted = await wantedBy(search)
      if (wanted === undefined) return []
      const before = await numberBefore(query, collection, search)
      return idsOf(query, collection, await engine.newest(query, wanted, before, search.limit))
    },
    relevant: async (query, search) => {
      const wanted = await wantedBy(search)
      if (wanted === undefined) return { ids: [], total: 0 }
      const name = allOf(wanted)
      const kept = search.offset > 0 ? rankings.get(name) : undefined
      const ranking = kept ?? Float64Array.from(await engine.rank(query, wanted, MOST_RANKED))
      if (kept === undefined) rankings.set(name, ranking)
      const page = [...ranking.subarray(search.offset, search.offset + search.limit)]
      return { ids: await idsOf(query, collection, page), total: ranking.length }
    },
  }
}

const ENGINES: Record<Engine, (collection: Collection) => SearchEngine> = {
  sqlite: sqliteEngine,
  postgres: postgresEngine,
  mysql: mysqlEngine,
}

/** Nothing where the query has no words. */
async function wantedBy({ owner, text }: Search): Promise<Wanted | undefined> {
  const words = (await searchedWords(text)).map(encodeWord)
  return words.length > 0 ? { owner: owner === undefined ? undefined : encodeOwner(owner), words } : undefined
}

/** Every text that is older than the last one has a smaller number. Ids sort by time, so it need not be there any more. */
async function numberBefore(query: Query, collection: Collection, { before }: NewestSearch): Promise<number> {
  if (before === undefined) return Number.MAX_SAFE_INTEGER
  const { rows } = await sql<{ number: number; id: string }>`select number, id from ${tableOf(collection)}
    where id <= ${before} order by id desc limit 1`.execute(query)
  const [last] = rows
  if (last === undefined) return 0
  return last.id === before ? last.number : last.number + 1
}

/** In the order of the numbers; a text that was removed meanwhile is left out. */
async function idsOf(query: Query, collection: Collection, numbers: readonly number[]): Promise<string[]> {
  const byNumber = new Map<number, string>()
  for (const some of chunked(numbers)) {
    const { rows } = await sql<{ number: number; id: string }>`select number, id from ${tableOf(collection)}
      where number in (${sql.join(some)})`.execute(query)
    for (const { number, id } of rows) byNumber.set(number, id)
  }
  return numbers.flatMap((number) => byNumber.get(number) ?? [])
}

const tableOf = (collection: Collection) => sql.table(`search_${collection}`)
