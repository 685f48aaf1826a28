import { type ColumnDefinitionBuilder, type CreateTableBuilder, type Kysely, sql } from 'kysely'
import type { Facts } from '../facts.ts'

/** Adds a table and its indexes, which are given by their columns and named after them. */
export async function createTable<Column extends string>(
  query: Kysely<unknown>,
  facts: Facts,
  name: string,
  build: (table: CreateTableBuilder<string>) => CreateTableBuilder<string, Column>,
  indexes: readonly Column[][] = [],
): Promise<void> {
  const table = build(query.schema.createTable(name).ifNotExists())
  const named = indexes.map((columns) => ({
    index: [name, ...columns].join('_'),
    columns: columns.map((column) => sql.ref(column)),
  }))
  if (facts.inlineIndexes) {
    const indexed = named.reduce((all, { index, columns }) => all.addIndex(index, columns), table)
    await indexed.modifyEnd(facts.tableOptions).execute()
    return
  }
  await table.modifyEnd(facts.tableOptions).execute()
  for (const { index, columns } of named) {
    await query.schema.createIndex(index).ifNotExists().on(name).columns(columns).execute()
  }
}

/** Ends the definition of a column that is never null. */
export const required = (column: ColumnDefinitionBuilder): ColumnDefinitionBuilder => column.notNull()
