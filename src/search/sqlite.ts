import { type RawBuilder, sql } from 'kysely'
import { hashOf, packCounts, relevanceOf } from './counts.ts'
import { allOf, type Collection, type Query, type SearchEngine, type Wanted } from './engine.ts'

/**
 * Search with FTS5. It keeps only which text has which token (`detail = none`), a third of the usual size. Its own `bm25()`
 * would read through all texts that have any of the words, however few are looked at; so the relevance is worked
 * out here, from counts that are kept beside the index.
 */
export function sqliteEngine(collection: Collection): SearchEngine {
  const tables = {
    texts: sql.table(`search_${collection}`),
    words: sql.table(`search_${collection}_words`),
  }
  const { texts, words } = tables
  return {
    add: async (query, { id, owner, words: tokens }) => {
      const { rows } = await sql<{ number: number }>`insert into ${texts} (id, owner, counts)
        values (${id}, ${owner}, ${packCounts(tokens)})
        on conflict (id) do update set owner = excluded.owner, counts = excluded.counts
        returning number`.execute(query)
      await sql`insert or replace into ${words} (rowid, words)
        values (${rows[0]?.number}, ${[...tokens, owner].join(' ')})`.execute(query)
    },
    remove: async (query, ids) => {
      await sql`delete from ${words} where rowid in (
        select number from ${texts} where id in (${sql.join(ids)}))`.execute(query)
      await sql`delete from ${texts} where id in (${sql.join(ids)})`.execute(query)
    },
    newest: async (query, wanted, before, limit) => {
      const found = await find(query, tables, wanted, before, limit)
      return found.map(({ id }) => id)
    },
    rank: async (query, wanted, most) => {
      const hashes = new Set(wanted.words.map(hashOf))
      const found = await find(query, tables, wanted, Number.MAX_SAFE_INTEGER, most)
      return found
        .map(({ number, counts }) => ({ number, relevance: relevanceOf(counts, hashes) }))
        .sort((one, other) => other.relevance - one.relevance || other.number - one.number)
        .map(({ number }) => number)
    },
  }
}

interface Tables {
  texts: RawBuilder<unknown>
  words: RawBuilder<unknown>
}

interface Found {
  number: number
  id: string
  owner: string
  counts: Uint8Array
}

/** How many texts are looked through for those of an owner before the index does it. */
const LOOKED_THROUGH = 1000

/**
 * The newest texts that match. An owner who has nearly all texts has a list in the index that is as long as the table, and it
 * would be read where a rare word has but a few texts. So the newest texts with the words are looked through first, and
 * the owner's list is used for what is missing then.
 */
async function find(
  query: Query,
  tables: Tables,
  wanted: Wanted,
  before: number,
  limit: number,
): Promise<Found[]> {
  if (wanted.owner === undefined) return match(query, tables, wanted, before, limit)
  const anybodys = await match(query, tables, { ...wanted, owner: undefined }, before, LOOKED_THROUGH)
  const first = anybodys.filter(({ owner }) => owner === wanted.owner).slice(0, limit)
  const last = anybodys.at(-1)
  if (first.length === limit || last === undefined || anybodys.length < LOOKED_THROUGH) return first
  return [...first, ...(await match(query, tables, wanted, last.number, limit - first.length))]
}

/** A cross join keeps its order: the index walks back from the newest and stops at the limit. */
async function match(
  query: Query,
  { texts, words }: Tables,
  wanted: Wanted,
  before: number,
  limit: number,
): Promise<Found[]> {
  const { rows } = await sql<Found>`select number, id, owner, counts from ${words}
    cross join ${texts} on number = ${words}.rowid
    where ${words} match ${allOf(wanted)} and ${words}.rowid < ${before}
    order by ${words}.rowid desc limit ${limit}`.execute(query)
  return rows
}
