import { sql } from 'kysely'
import { allOf, type Collection, type SearchEngine, type Wanted } from './engine.ts'

/** Search with a FULLTEXT index of InnoDB, on MySQL and MariaDB. What a transaction has added it finds after the commit. */
export function mysqlEngine(collection: Collection): SearchEngine {
  const texts = sql.table(`search_${collection}`)
  return {
    add: async (query, { id, owner, words }) => {
      const tokens = [...words, owner].join(' ')
      await sql`insert into ${texts} (id, words) values (${id}, ${tokens})
        on duplicate key update words = values(words)`.execute(query)
    },
    remove: async (query, ids) => {
      await sql`delete from ${texts} where id in (${sql.join(ids)})`.execute(query)
    },
    newest: async (query, wanted, before, limit) => {
      const { rows } = await sql<{ number: number }>`select number from ${texts}
        where ${matching(wanted)} and number < ${before} order by number desc limit ${limit}`.execute(query)
      return rows.map(({ number }) => number)
    },
    // The owner's token counts as well, but by the same for each of his texts.
    rank: async (query, wanted, most) => {
      const { rows } = await sql<{ number: number }>`select number from (
        select number, ${matching(wanted)} as score from ${texts}
        where ${matching(wanted)} order by number desc limit ${most}
      ) as newest order by score desc, number desc`.execute(query)
      return rows.map(({ number }) => number)
    },
  }
}

/** `+` stands before what a text must have. Tokens have nothing in them that is an operator. */
const matching = (wanted: Wanted) => sql`match (words) against (${allOf(wanted, '+')} in boolean mode)`
