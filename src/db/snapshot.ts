import { type Kysely, sql } from 'kysely'
import type { Database } from './connect.ts'
import type { Schema } from './schema.ts'

/**
 * Reads the whole database as it is at one moment, while others go on writing. With SQLite, nothing else may be asked of this
 * handle meanwhile: it has one connection.
 */
export function inSnapshot<Result>(
  { query, facts }: Pick<Database, 'query' | 'facts'>,
  read: (snapshot: Kysely<Schema>) => Promise<Result>,
): Promise<Result> {
  return query.connection().execute(async (connection) => {
    for (const statement of facts.beginSnapshot) await statement.execute(connection)
    try {
      return await read(connection)
    } finally {
      await sql`rollback`.execute(connection)
    }
  })
}
