import { type RawBuilder, sql } from 'kysely'
import { keyOf, packCounts, relevanceOf } from './counts.ts'
import { allOf, type Collection, type Query, type SearchEngine, type Wanted } from './engine.ts'

/**
 * Search with FTS5. It keeps only which text has which token (`detail = none`), a third of the usual size. Its own `bm25()`
 * would read through all texts that have any of the words, however few are looked at; so the relevance is worked
 * out here, from counts that are kept beside the index.
 */
export function sqliteEngine(collection: Collection): SearchEngine {
  const texts = sql.table(`search_${collection}`)
  const tables = {
    counts: sql.table(`search_${collection}_counts`),
    words: sql.table(`search_${collection}_words`),
  }
  const { counts, words } = tables
  return {
    add: async (query, { id, owner, words: tokens }) => {
      const { rows } = await sql<{ number: number }>`insert into ${texts} (id) values (${id})
        on conflict (id) do update set id = excluded.id returning number`.execute(query)
      const number = rows[0]?.number
      await sql`insert or replace into ${counts} (number, owner, counts)
        values (${number}, ${numberOf(owner)}, ${packCounts(tokens)})`.execute(query)
      await sql`insert or replace into ${words} (rowid, words)
        values (${number}, ${[...tokens, owner].join(' ')})`.execute(query)
    },
    remove: async (query, ids) => {
      const numbers = sql`select number from ${texts} where id in (${sql.join(ids)})`
      await sql`delete from ${words} where rowid in (${numbers})`.execute(query)
      await sql`delete from ${counts} where number in (${numbers})`.execute(query)
      await sql`delete from ${texts} where id in (${sql.join(ids)})`.execute(query)
    },
    newest: async (query, wanted, before, limit) => {
      const found = await find(query, tables, wanted, before, limit)
      return found.map(({ number }) => number)
    },
    rank: async (query, wanted, most) => {
      const keys = new Set(wanted.words.map(keyOf))
      const found = await find(query, tables, wanted, Number.MAX_SAFE_INTEGER, most)
      return found
        .map(({ number, counts }) => ({ number, relevance: relevanceOf(counts, keys) }))
        .sort((one, other) => other.relevance - one.relevance || other.number - one.number)
        .map(({ number }) => number)
    },
  }
}

interface Tables {
  counts: RawBuilder<unknown>
  words: RawBuilder<unknown>
}

interface Found {
  number: number
  owner: number
  counts: string
}

/** How many texts tell whether most are the owner's. */
const SAMPLE = 100
const MOST_ARE_HIS = 0.75

/**
 * The newest texts that match. An owner who has nearly all texts has a list in the index as long as the table, and it
 * would be read where a rare word has but a few texts. So the newest texts with the words are looked through first, and
 * further as long as most are his; for an owner with few texts the index does it.
 */
async function find(
  query: Query,
  tables: Tables,
  wanted: Wanted,
  before: number,
  limit: number,
): Promise<Found[]> {
  if (wanted.owner === undefined) return match(query, tables, wanted, before, limit)
  const owner = numberOf(wanted.owner)
  const found: Found[] = []
  let looked = 0
  let last = before
  do {
    const most = looked === 0 ? SAMPLE : Math.max(SAMPLE, limit - found.length)
    const some = await match(query, tables, { ...wanted, owner: undefined }, last, most)
    for (const one of some) if (one.owner === owner && found.length < limit) found.push(one)
    if (found.length === limit || some.length < most) return found
    looked += some.length
    last = some.at(-1)?.number ?? 0
  } while (found.length > MOST_ARE_HIS * looked)
  return [...found, ...(await match(query, tables, wanted, last, limit - found.length))]
}

/** A cross join keeps the order of its left side: the index is read back from the newest and no further than is asked. */
async function match(
  query: Query,
  { counts, words }: Tables,
  wanted: Wanted,
  before: number,
  limit: number,
): Promise<Found[]> {
  const { rows } = await sql<Found>`select number, owner, counts from ${words}
    cross join ${counts} on number = ${words}.rowid
    where ${words} match ${allOf(wanted)} and ${words}.rowid < ${before}
    order by ${words}.rowid desc limit ${limit}`.execute(query)
  return rows
}

/** 52 bits of the hash that an owner's token is: a column that is read so often has to be small. */
const numberOf = (owner: string) => Number.parseInt(owner.slice(-13), 16)
