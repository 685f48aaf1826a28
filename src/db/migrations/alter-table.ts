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

/**
 * Adds an index, named after its columns, unless it is there.
 *
 * @param filled only rows in which this column is not null need to be in it. Engines without statistics would else take it
 *   for a good way to the many rows in which it is null.
 */
export async function createIndex(
  query: Kysely<unknown>,
  facts: Facts,
  table: string,
  columns: readonly string[],
  filled?: string,
): Promise<void> {
  const index = [table, ...columns].join('_')
  const plain = query.schema
    .createIndex(index)
    .on(table)
    .columns([...columns])
  if (!facts.inlineIndexes) {
    const partial = filled === undefined ? plain : plain.where(sql.ref(filled), 'is not', null)
    await partial.ifNotExists().execute()
    return
  }
  const { rows } = await sql`show index from ${sql.table(table)} where key_name = ${index}`.execute(query)
  if (rows.length === 0) await plain.execute()
}

async function columnsOf(query: Kysely<unknown>, table: string): Promise<ReadonlySet<string>> {
  const tables = await query.introspection.getTables()
  const columns = tables.find(({ name }) => name === table)?.columns ?? []
  return new Set(columns.map(({ name }) => name))
}
