import type { Kysely } from 'kysely'
import type { Clock } from '../base/clock.ts'
import { newId } from '../base/id.ts'
import type { SpoolDirectory } from '../bytes/spool.ts'
import { chunked } from '../db/chunked.ts'
import type { Database } from '../db/connect.ts'
import { lastMigration } from '../db/migrate.ts'
import { countRows, createChecksum, listTables, readRows, type Table, toLine } from '../db/rows.ts'
import type { Schema } from '../db/schema.ts'
import { inSnapshot } from '../db/snapshot.ts'
import type { Storage } from '../storage/storage.ts'
import type { BackupFolder, Manifest } from './backup-folder.ts'
import { carryPicture, type Picture, pictureOf } from './pictures.ts'
import type { Report } from './report.ts'

export interface BackupParts {
  /** Used by nobody else meanwhile. */
  database: Database
  originals: Storage
  folder: BackupFolder
  /** For pictures that do not lie on this machine. */
  spools: SpoolDirectory
  clock: Clock
  report: Report
}

/** How often it is done at most; from the second time on, nearly all pictures are there. */
const ATTEMPTS = 5

/**
 * Copies everything, while the server runs. Rows are those of one moment. Pictures never change, so it does not matter when
 * they are copied, but a purge may remove some that the rows still know: most are copied before the rows are read, so
 * only what is drawn and purged within moments can be missed, and where that happens it is all done again.
 */
export async function backUp(parts: BackupParts): Promise<Manifest> {
  const { database, folder, clock } = parts
  const migration = await lastMigration(database)
  if (migration === undefined) throw new Error('there is nothing to back up: the database has no tables')
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    await copyPresentPictures(parts)
    const id = newId()
    const createdAt = clock.now()
    const tables = await inSnapshot(database, (snapshot) => copyRows(parts, snapshot, id))
    const { missing, ...pictures } = await copyNamedPictures(parts, id)
    if (await arePurged(database, missing)) continue
    const manifest: Manifest = { format: 1, id, createdAt, migration, tables, pictures, missing }
    await folder.finish(manifest)
    return manifest
  }
  throw new Error('pictures are purged faster than they can be copied; try again later')
}

async function copyPresentPictures(parts: BackupParts): Promise<void> {
  const { database, originals: from, folder, spools, report } = parts
  const { query } = database
  const tables = await listTables(query, database)
  const table = tables.find(({ name }) => name === 'blob')
  if (table === undefined) return
  const total = await countRows(query, 'blob')
  let done = 0
  let bytes = 0
  await using spool = spools.scope()
  for await (const rows of readRows(query, table)) {
    for (const row of rows) {
      const picture = pictureOf(toLine(table, row))
      await carryPicture(picture, { from, to: folder.images, spool })
      bytes += picture.bytes
      done += 1
      report({ what: 'pictures', done, total, bytes })
    }
  }
}

async function copyRows(
  { database, folder, report }: BackupParts,
  snapshot: Kysely<Schema>,
  id: string,
): Promise<Manifest['tables']> {
  const tables: Manifest['tables'] = []
  for (const table of await listTables(snapshot, database)) {
    const checksum = createChecksum()
    const total = await countRows(snapshot, table.name)
    const lines = linesOf(snapshot, table, (line, done) => {
      checksum.add(line)
      report({ what: `rows of ${table.name}`, done, total })
    })
    const { lines: rows, bytes, sha256 } = await folder.writeRows(id, table.name, lines)
    tables.push({ name: table.name, rows, bytes, sha256, checksum: checksum.digest() })
  }
  return tables
}

async function* linesOf(
  snapshot: Kysely<Schema>,
  table: Table,
  seen: (line: string, done: number) => void,
): AsyncGenerator<string> {
  let done = 0
  for await (const rows of readRows(snapshot, table)) {
    for (const row of rows) {
      const line = toLine(table, row)
      done += 1
      seen(line, done)
      yield line
    }
  }
}

/** Copies what came in the meantime; the sum of all that the rows name, and those that are not there. */
async function copyNamedPictures({ folder, originals: from, spools }: BackupParts, id: string) {
  const found = { count: 0, bytes: 0, missing: [] as string[] }
  await using spool = spools.scope()
  for await (const line of folder.rows(id, 'blob')) {
    const picture: Picture = pictureOf(line)
    if (await carryPicture(picture, { from, to: folder.images, spool })) {
      found.count += 1
      found.bytes += picture.bytes
    } else found.missing.push(picture.sha256)
  }
  return found
}

/** Whether any of the pictures is missing because it was purged; the others have lost their files some other way. */
async function arePurged({ query }: Database, missing: readonly string[]): Promise<boolean> {
  for (const some of chunked(missing)) {
    const rows = await query.selectFrom('blob').select('sha256').where('sha256', 'in', some).execute()
    if (rows.length < some.length) return true
  }
  return false
}
