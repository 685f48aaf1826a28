import type { Kysely } from 'kysely'
import type { Database } from '../db/connect.ts'
import { lastMigration } from '../db/migrate.ts'
import { countRows, createChecksum, readRows, type Table, toLine, writeRows } from '../db/rows.ts'
import type { Schema } from '../db/schema.ts'
import { inSnapshot } from '../db/snapshot.ts'
import { beginFilling, endFilling } from './fill.ts'
import type { Report } from './report.ts'

export interface MigrateParts {
  /** Used by nobody else meanwhile. */
  from: Database
  /** Empty. */
  to: Database
  report: Report
  /** Makes all tasks searchable. */
  rebuildSearch(database: Database): Promise<void>
}

/** What became of a table. */
export interface Moved {
  name: string
  rows: number
  checksum: string
}

/**
 * Copies all rows into a database of another engine, or of the same, as they are at one moment, and compares both in the end.
 * Pictures stay where they are. When it was cut, it is simply started again.
 *
 * @throws where the other database is not empty, or takes a row differently
 */
export async function migrateTo(parts: MigrateParts): Promise<Moved[]> {
  const { from, to } = parts
  const migration = await lastMigration(from)
  if (migration === undefined) throw new Error('there is nothing to move: the database has no tables')
  const tables = await beginFilling(to, migration)
  const moved = await inSnapshot(from, (snapshot) => copyTables(parts, snapshot, tables))
  await endFilling(to, tables, moved)
  await to.migrate()
  await parts.rebuildSearch(to)
  return moved
}

async function copyTables(
  { to, report }: MigrateParts,
  snapshot: Kysely<Schema>,
  tables: readonly Table[],
): Promise<Moved[]> {
  const moved: Moved[] = []
  for (const table of tables) {
    const total = await countRows(snapshot, table.name)
    const checksum = createChecksum()
    let done = 0
    for await (const rows of readRows(snapshot, table)) {
      for (const row of rows) checksum.add(toLine(table, row))
      await writeRows(to.query, table, rows)
      done += rows.length
      report({ what: `rows of ${table.name}`, done, total })
    }
    moved.push({ name: table.name, rows: done, checksum: checksum.digest() })
  }
  return moved
}
