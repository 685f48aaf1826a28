import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newId } from '../base/id.ts'
import { openSpoolDirectory } from '../bytes/spool.ts'
import type { Database } from '../db/connect.ts'
import { listTables, type Row, readRows } from '../db/rows.ts'
import type { TestEngine } from '../db/testing.ts'
import { indexAllTasks } from '../gateway/index-tasks.ts'
import { keepTask } from '../gateway/keep-task.ts'
import { drawUnique, openTestLibrary, type TestLibrary } from '../library/testing.ts'
import { createSearchIndex, type SearchIndex } from '../search/search-index.ts'
import { openLocalStorage } from '../storage/local.ts'
import { newTask } from '../tasks/new-task.ts'
import { backUp } from './backup.ts'
import { openBackupFolder } from './backup-folder.ts'

export const OWNER = 'someone'

/** A library with tasks, as the gateway keeps them. */
export interface FullLibrary extends TestLibrary {
  search: SearchIndex
  /** Adds a task with one picture. */
  draw(prompt: string): Promise<void>
}

export async function openFullLibrary(engine: TestEngine): Promise<FullLibrary> {
  const opened = await openTestLibrary(engine)
  const { database, clock } = opened.library
  // Thumbnails would be noted in rows that are just compared.
  await opened.library.deriver.close()
  const search = createSearchIndex(database)
  const draw = async (prompt: string) => {
    const job = { kind: 'generate', model: 'm', prompt, n: 1, dialect: 'openai' } as const
    const task = newTask({ mode: 'sync', owner: OWNER, job, createdAt: clock.now() })
    await database.query
      .transaction()
      .execute((query) => keepTask({ database, search }, query, { ...task, idempotencyKey: newId() }))
    await opened.add(await drawUnique(), { taskId: task.id, owner: OWNER, prompt })
  }
  return { ...opened, search, draw }
}

/** Where a restore goes. */
export async function openTarget(engine: TestEngine) {
  const opened = await engine.openEmpty()
  const folder = await mkdtemp(join(tmpdir(), 'pictor-target-'))
  const spools = await openSpoolDirectory(join(folder, 'spool'))
  return {
    database: opened.database,
    url: opened.url,
    dataDirectory: folder,
    originals: await openLocalStorage(join(folder, 'images')),
    spools,
    report: () => {},
    rebuildSearch,
    [Symbol.asyncDispose]: async () => {
      await spools.close()
      await opened[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

export const rebuildSearch = (database: Database): Promise<void> =>
  indexAllTasks({ database, search: createSearchIndex(database) }, new AbortController().signal)

/** Backs a library up into a folder, `backup` of its own by default. */
export async function backUpInto({ library, folder }: TestLibrary, path = join(folder, 'backup')) {
  const backup = await openBackupFolder(path)
  const spools = await openSpoolDirectory(join(folder, 'spool'))
  const { database, originals, clock } = library
  const parts = { database, originals, folder: backup, spools, clock, report: () => {} }
  const manifest = await backUp(parts).finally(() => spools.close())
  return { path, manifest, folder: backup }
}

/** All rows but those that say how far the search is. */
export async function allRows(database: Database): Promise<Record<string, Row[]>> {
  const tables: Record<string, Row[]> = {}
  for (const table of await listTables(database.query, database)) {
    const rows = (await Array.fromAsync(readRows(database.query, table))).flat()
    tables[table.name] = rows.filter(({ name }) => name !== 'search_indexed_until')
  }
  return tables
}
