import { type Kysely, sql } from 'kysely'
import type { Facts } from '../facts.ts'

/** Adds an index, named as those that come with their table, to a table of an earlier migration; nothing when it is there. */
export async function createIndex(
  query: Kysely<unknown>,
  facts: Facts,
  table: string,
  columns: readonly string[],
): Promise<void> {
  const index = [table, ...columns].join('_')
  // MySQL knows no "if not exists" here, and cannot roll back what a migration did before it was cut.
  if (facts.inlineIndexes && (await hasIndex(query, table, index))) return
  const creation = query.schema
    .createIndex(index)
    .on(table)
    .columns(columns.map((column) => sql.ref(column)))
  await (facts.inlineIndexes ? creation : creation.ifNotExists()).execute()
}

async function hasIndex(query: Kysely<unknown>, table: string, index: string): Promise<boolean> {
  const { rows } = await sql`
    select 1 from information_schema.statistics
    where table_schema = database() and table_name = ${table} and index_name = ${index} limit 1
  `.execute(query)
  return rows.length > 0
}
