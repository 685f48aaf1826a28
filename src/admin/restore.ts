import type { SpoolDirectory } from '../bytes/spool.ts'
import type { Database } from '../db/connect.ts'
import { knowsMigration } from '../db/migrate.ts'
import { type Row, type Table, writeRows } from '../db/rows.ts'
import type { Storage } from '../storage/storage.ts'
import type { BackupFolder, Manifest } from './backup-folder.ts'
import { beginFilling, endFilling } from './fill.ts'
import { carryPicture, pictureOf } from './pictures.ts'
import type { Report } from './report.ts'

export interface RestoreParts {
  database: Database
  originals: Storage
  folder: BackupFolder
  spools: SpoolDirectory
  report: Report
  /** Makes all tasks searchable. */
  rebuildSearch(database: Database): Promise<void>
}

/**
 * Puts a backup back into an empty database, of whatever engine. Pictures come first, so that no row ever points at nothing.
 * When it was cut, it is simply started again: pictures that are there are not copied again.
 *
 * @param force removes what the database holds
 * @throws where the backup is damaged, of a newer version, or the database is not empty
 */
export async function restore(parts: RestoreParts, { force = false } = {}): Promise<Manifest> {
  const { database, folder } = parts
  const manifest = await folder.manifest()
  if (!knowsMigration(database, manifest.migration)) {
    throw new Error(`the backup is of a newer version of Pictor (${manifest.migration}); use that one`)
  }
  await checkRows(parts, manifest)
  const tables = await beginFilling(database, manifest.migration, force)
  await copyPictures(parts, manifest)
  for (const { name, rows } of manifest.tables) {
    const table = tables.find((one) => one.name === name)
    if (table === undefined) throw new Error(`there is no table ${name} here`)
    await copyRows(parts, manifest, table, rows)
  }
  await endFilling(database, tables, manifest.tables)
  await database.migrate()
  await parts.rebuildSearch(database)
  return manifest
}

async function checkRows({ folder, report }: RestoreParts, { id, tables }: Manifest): Promise<void> {
  for (const [index, { name, sha256 }] of tables.entries()) {
    const found = await folder.hashRows(id, name).catch((cause: unknown) => {
      throw new Error(`the backup is damaged: the rows of ${name} cannot be read`, { cause })
    })
    if (found !== sha256) {
      throw new Error(`the backup is damaged: the rows of ${name} are not those that were written`)
    }
    report({ what: 'tables checked', done: index + 1, total: tables.length })
  }
}

/** Every picture is read and its hash compared before it is kept. */
async function copyPictures(parts: RestoreParts, manifest: Manifest): Promise<void> {
  const { folder, originals: to, spools, report } = parts
  const { count: total, bytes: totalBytes } = manifest.pictures
  const lost = new Set(manifest.missing)
  let done = 0
  let bytes = 0
  await using spool = spools.scope()
  for await (const line of folder.rows(manifest.id, 'blob')) {
    const picture = pictureOf(line)
    if (lost.has(picture.sha256)) continue
    if (!(await carryPicture(picture, { from: folder.images, to, spool, verified: true }))) {
      throw new Error(`the backup is damaged: the picture ${picture.sha256} is missing`)
    }
    done += 1
    bytes += picture.bytes
    report({ what: 'pictures', done, total, bytes, totalBytes })
  }
}

const BATCH = 100

async function copyRows(
  { database, folder, report }: RestoreParts,
  manifest: Manifest,
  table: Table,
  total: number,
): Promise<void> {
  let batch: Row[] = []
  let done = 0
  const flush = async () => {
    await writeRows(database.query, table, batch)
    done += batch.length
    batch = []
    report({ what: `rows of ${table.name}`, done, total })
  }
  for await (const line of folder.rows(manifest.id, table.name)) {
    batch.push(JSON.parse(line) as Row)
    if (batch.length === BATCH) await flush()
  }
  await flush()
}
