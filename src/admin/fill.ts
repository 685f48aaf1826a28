import { sql } from 'kysely'
import type { Database } from '../db/connect.ts'
import { lastMigration, migrateUntil } from '../db/migrate.ts'
import { countRows, listTables, sumOf, type Table } from '../db/rows.ts'
import { upsert } from '../db/upsert.ts'
import { createSearchIndex } from '../search/search-index.ts'

/** Stands in `setting` as long as a database is being filled, so that it can be begun again when that was cut. */
const MARK = 'being_filled'

/**
 * Makes a database ready to take the rows of another one that is at `migration`, and marks it. The tables are then empty.
 *
 * @param force removes what is there
 * @throws where the database is not empty, or at another migration
 */
export async function beginFilling(
  target: Database,
  migration: string,
  force = false,
): Promise<readonly Table[]> {
  const { query } = target
  const present = await lastMigration(target)
  if (present === undefined) await migrateUntil(target, migration)
  else if (present !== migration) {
    throw new Error(
      `the tables there are of another version (${present} instead of ${migration}): give an empty database or folder`,
    )
  }
  const tables = await listTables(query, target)
  const full = await firstFull(target, tables)
  if (full !== undefined && !force && !(await isMarked(target))) {
    throw new Error(
      `the database is not empty (there are rows in ${full}); nothing was changed. --force would delete what is there`,
    )
  }
  await upsert(target, query, 'setting', { name: MARK, value: migration }, ['name'])
  if (full !== undefined) await forgetSearched(target)
  for (const { name } of tables) {
    const own = name === 'setting' ? sql`where name <> ${MARK}` : sql``
    await sql`delete from ${sql.table(name)} ${own}`.execute(query)
  }
  return tables
}

/** Takes the mark away and checks that every table has what it should. @throws naming the tables that have not */
export async function endFilling(
  target: Database,
  tables: readonly Table[],
  wanted: readonly { name: string; rows: number; checksum: string }[],
): Promise<void> {
  await target.query.deleteFrom('setting').where('name', '=', MARK).execute()
  const wrong: string[] = []
  for (const table of tables) {
    const sum = await sumOf(target.query, table)
    const { rows = 0, checksum } = wanted.find(({ name }) => name === table.name) ?? {}
    if (sum.rows !== rows) wrong.push(`${table.name} has ${sum.rows} rows instead of ${rows}`)
    else if (rows > 0 && sum.checksum !== checksum) wrong.push(`${table.name} has other values`)
  }
  if (wrong.length > 0) throw new Error(`the copy is not the same as the original: ${wrong.join('; ')}`)
}

/** Counts are made by a migration, so they say nothing. */
async function firstFull({ query }: Database, tables: readonly Table[]): Promise<string | undefined> {
  for (const { name } of tables) {
    if (name !== 'counter' && (await countRows(query, name)) > 0) return name
  }
  return undefined
}

async function isMarked({ query }: Database): Promise<boolean> {
  return (await query.selectFrom('setting').select('name').where('name', '=', MARK).execute()).length > 0
}

const BATCH = 1000

/** The rows that were searchable go, so their words go too. */
async function forgetSearched({ query, engine }: Database): Promise<void> {
  const search = createSearchIndex({ engine })
  for (let last: string | undefined = ''; last !== undefined; ) {
    const rows: { id: string }[] = await query
      .selectFrom('task')
      .select('id')
      .where('id', '>', last)
      .orderBy('id')
      .limit(BATCH)
      .execute()
    await search.remove(
      query,
      rows.map(({ id }) => id),
    )
    last = rows.at(-1)?.id
  }
}
