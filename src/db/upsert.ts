import type { InsertObject, Kysely } from 'kysely'
import type { Database } from './connect.ts'
import type { Schema } from './schema.ts'

/** Writes a row, in place of the one with the same `keys` (a primary key or unique columns) where there is one. */
export async function upsert<Name extends keyof Schema>(
  database: Pick<Database, 'facts'>,
  query: Kysely<Schema>,
  table: Name,
  row: InsertObject<Schema, Name>,
  keys: readonly (keyof Schema[Name] & string)[],
): Promise<void> {
  const ending = database.facts.replaceExisting(keys, Object.keys(row))
  await query.insertInto(table).values(row).modifyEnd(ending).execute()
}

/** Writes a row unless one with the same unique key is there; that one stays as it is. */
export async function insertIgnore<Name extends keyof Schema>(
  database: Pick<Database, 'facts'>,
  query: Kysely<Schema>,
  table: Name,
  row: InsertObject<Schema, Name>,
): Promise<void> {
  const ending = database.facts.keepExisting(Object.keys(row))
  await query.insertInto(table).values(row).modifyEnd(ending).execute()
}
