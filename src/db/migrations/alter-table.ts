import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Facts } from '../facts.ts'

/** Adds columns that may be null, each unless it is there: engines that cannot roll back may have been cut in the middle. */
export async function addColumns(
  query: Kysely<unknown>,
  table: string,
  columns: Readonly<Record<string, 'bigint' | 'integer' | RawBuilder<string>>>,
): Promise<void> {
  const present = await columnsOf(query, table)
  for (const [name, type] of Object.entries(columns)) {
    if (!present.has(name))
      await query.schema
        .alterTable(table)
        .addColumn(name, type as 'bigint')
        .execute()
  }
}

/** Adds an index, named after its columns, unless it is there. */
export async function createIndex(
  query: Kysely<unknown>,
  facts: Facts,
  table: string,
  columns: readonly string[],
): Promise<void> {
  const index = [table, ...columns].join('_')
  if (!facts.inlineIndexes) {
    await query.schema
      .createIndex(index)
      .ifNotExists()
      .on(table)
      .columns([...columns])
      .execute()
    return
  }
  const { rows } = await sql`show index from ${sql.table(table)} where key_name = ${index}`.execute(query)
  if (rows.length === 0)
    await query.schema
      .createIndex(index)
      .on(table)
      .columns([...columns])
      .execute()
}

async function columnsOf(query: Kysely<unknown>, table: string): Promise<ReadonlySet<string>> {
  const tables = await query.introspection.getTables()
  const columns = tables.find(({ name }) => name === table)?.columns ?? []
  return new Set(columns.map(({ name }) => name))
}
