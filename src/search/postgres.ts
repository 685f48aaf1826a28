import { sql } from 'kysely'
import { allOf, type Collection, type SearchEngine } from './engine.ts'

/** Search with a `tsvector` under a GIN index. Tokens are words to every text search configuration; `simple` keeps them. */
export function postgresEngine(collection: Collection): SearchEngine {
  const texts = sql.table(`search_${collection}`)
  return {
    add: async (query, { id, owner, words }) => {
      const tokens = [...words, owner].join(' ')
      await sql`insert into ${texts} (id, words) values (${id}, to_tsvector('simple', ${tokens}))
        on conflict (id) do update set words = excluded.words`.execute(query)
    },
    remove: async (query, ids) => {
      await sql`delete from ${texts} where id in (${sql.join(ids)})`.execute(query)
    },
    newest: async (query, wanted, before, limit) => {
      const { rows } = await sql<{ number: number }>`select number from ${texts}
        where words @@ ${having(allOf(wanted))} and number < ${before}
        order by number desc limit ${limit}`.execute(query)
      return rows.map(({ number }) => number)
    },
    rank: async (query, wanted, most) => {
      const { rows } = await sql<{ number: number }>`select number from (
        select number, words from ${texts} where words @@ ${having(allOf(wanted))} order by number desc limit ${most}
      ) as newest order by ts_rank(words, ${having(wanted.words.join(' '))}, ${LONGER_TEXTS_COUNT_LESS}) desc, number desc`.execute(
        query,
      )
      return rows.map(({ number }) => number)
    },
  }
}

/** Divides by one and the logarithm of the text's length. https://www.postgresql.org/docs/current/textsearch-controls.html */
const LONGER_TEXTS_COUNT_LESS = 1

/** A query that wants all of these tokens; nothing in its text is an operator. */
const having = (tokens: string) => sql`plainto_tsquery('simple', ${tokens})`
