import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { sql } from 'kysely'
import type { Database } from '../src/db/connect.ts'

/** Where a Pictor keeps its things. */
export interface Keeping {
  dataDirectory: string
  database: Database
}

const TABLES = ['task', 'task_input', 'blob', 'image', 'job'] as const

/** How many rows there are, by table. */
export async function countRows({ query }: Database): Promise<Record<(typeof TABLES)[number], number>> {
  const counts = { task: 0, task_input: 0, blob: 0, image: 0, job: 0 }
  for (const table of TABLES) {
    const { count } = await query
      .selectFrom(table)
      .select(sql<number>`count(*)`.as('count'))
      .executeTakeFirstOrThrow()
    counts[table] = Number(count)
  }
  return counts
}

/**
 * Everything that does not belong together, in words; empty when all is well. Looked for: spool files, originals whose
 * bytes are not what their name says, files without a row, rows without a file, wrong reference counts, rows whose
 * task is missing.
 */
export async function findOrphans({ dataDirectory, database: { query } }: Keeping): Promise<string[]> {
  const spooled = await filesIn(join(dataDirectory, 'spool'))
  const originals = await filesIn(join(dataDirectory, 'images'))
  const blobs = await query.selectFrom('blob').select(['sha256', 'reference_count']).execute()
  const images = await query.selectFrom('image').select(['id', 'task_id', 'sha256']).execute()
  const inputs = await query.selectFrom('task_input').select(['task_id', 'sha256']).execute()
  const tasks = new Set((await query.selectFrom('task').select('id').execute()).map(({ id }) => id))
  const known = new Set(blobs.map(({ sha256 }) => sha256))
  const present = new Set(originals.map(nameOf))
  const held = (sha256: string) => [...images, ...inputs].filter((row) => row.sha256 === sha256).length
  const damaged = await Promise.all(originals.map(async (path) => ((await isWhole(path)) ? [] : [path])))
  return [
    ...spooled.map((path) => `${path} waits in the spool`),
    ...damaged.flat().map((path) => `${path} does not hold what its name says`),
    ...originals.filter((path) => !known.has(nameOf(path))).map((path) => `${path} has no row`),
    ...blobs.filter(({ sha256 }) => !present.has(sha256)).map(({ sha256 }) => `${sha256} has no file`),
    ...blobs
      .filter((blob) => blob.reference_count !== held(blob.sha256))
      .map((blob) => `${blob.sha256} counts ${blob.reference_count} holders and has ${held(blob.sha256)}`),
    ...[...images, ...inputs]
      .filter((row) => !known.has(row.sha256))
      .map((row) => `a picture of task ${row.task_id} has no blob`),
    ...[...images, ...inputs]
      .filter((row) => !tasks.has(row.task_id))
      .map((row) => `a picture of task ${row.task_id} has no task`),
  ]
}

/** Paths of the files of a folder and the folders in it. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

const nameOf = (path: string) => basename(path).replace(/\.[a-z]+$/, '')

async function isWhole(path: string): Promise<boolean> {
  const digest = createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
  return digest === nameOf(path)
}
