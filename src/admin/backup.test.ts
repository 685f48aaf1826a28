import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { findOrphans } from '../../test/traces.ts'
import { systemClock } from '../base/clock.ts'
import { newId } from '../base/id.ts'
import { connect } from '../db/connect.ts'
import { readCounter } from '../db/counter.ts'
import { lastMigration, migrateUntil } from '../db/migrate.ts'
import { type TestEngine, testDatabases } from '../db/testing.ts'
import { purgeTrash } from '../library/purge.ts'
import { drawUnique } from '../library/testing.ts'
import { createSearchIndex } from '../search/search-index.ts'
import { pictureKey } from '../storage/storage.ts'
import { backUp } from './backup.ts'
import { openBackupFolder, readBackupFolder } from './backup-folder.ts'
import { restore } from './restore.ts'
import { allRows, backUpInto, OWNER, openFullLibrary, openTarget } from './testing.ts'

/** So many pictures are drawn before one is purged: the trash of a server keeps them for days. */
const KEPT = 40

const PROMPTS = ['a red fox in the snow', '油画女孩', 'a "quoted" \\ 🦊 \n fox']

const engines = testDatabases()

for (const source of engines) {
  for (const target of engines) {
    test(`${source.name} to ${target.name}: rows, pictures, counts and search come back`, async () => {
      await using full = await openFullLibrary(source)
      // More than one page of rows, and keys of several columns.
      for (let n = 0; n < 230; n += 1) await addInput(full.library.database.query, n)
      for (const prompt of PROMPTS) await full.draw(prompt)
      const { path, manifest } = await backUpInto(full)
      expect(manifest).toMatchObject({ pictures: { count: PROMPTS.length }, missing: [] })

      await using empty = await openTarget(target)
      await restore({ ...empty, folder: await readBackupFolder(path) })
      expect(await allRows(empty.database)).toEqual(await allRows(full.library.database))
      for (const { sha256, mime } of await blobsOf(full.library.database)) {
        const key = pictureKey(sha256, mime)
        expect(await empty.originals.read(key)).toEqual(await full.library.originals.read(key))
      }
      const { query } = empty.database
      expect(await readCounter(query, { owner: OWNER, name: 'tasks' })).toBe(PROMPTS.length)
      const search = createSearchIndex(empty.database)
      expect((await search.relevant(query, { text: 'fox', limit: 9, offset: 0 })).total).toBe(2)
      expect((await search.relevant(query, { text: '女孩', limit: 9, offset: 0 })).total).toBe(1)
    })
  }
}

for (const engine of engines) {
  describe(engine.name, () => {
    test('a backup while pictures are drawn, deleted and purged is of one moment', async () => {
      await using full = await openFullLibrary(engine)
      const { library } = full
      for (let n = 0; n < 20; n += 1) await full.draw(`before ${n}`)
      const stopping = new AbortController()
      const purging = Promise.withResolvers<void>()
      const writer = (async () => {
        for (let n = 0; !stopping.signal.aborted; n += 1) {
          if (n === KEPT + 5) purging.resolve()
          await full.draw(`during ${n}`)
          await library.database.query
            .updateTable('image')
            .set({ deleted_at: 1 })
            .where('prompt', '=', `during ${n - KEPT}`)
            .execute()
          await purgeTrash(library, { before: 2, signal: stopping.signal })
        }
      })()
      // Two connections, as two processes have.
      const own = await connect(full.url)
      try {
        await Promise.race([purging.promise, writer])
        const { path, manifest } = await backUpInto({ ...full, library: { ...library, database: own } })
        expect(manifest.missing).toEqual([])
        await using empty = await openTarget(engine)
        await restore({ ...empty, folder: await readBackupFolder(path) })
        const found = await findOrphans(empty)
        expect(found.filter((one) => !one.includes('has no row'))).toEqual([])
        expect((await allRows(empty.database)).image?.length).toBeGreaterThanOrEqual(20)
      } finally {
        stopping.abort()
        await writer
        await own.close()
      }
    })

    test('what is there is left alone, unless it is meant to go', async () => {
      await using full = await openFullLibrary(engine)
      await full.draw('a fox')
      const { path } = await backUpInto(full)
      await using other = await openFullLibrary(engine)
      await other.draw('an old boat')
      const { database, originals } = other.library
      await using empty = await openTarget(engine)
      const parts = { ...empty, database, originals, folder: await readBackupFolder(path) }
      const before = await allRows(database)
      await expect(restore(parts)).rejects.toThrow('not empty (there are rows in blob)')
      expect(await allRows(database)).toEqual(before)

      await restore(parts, { force: true })
      expect(await allRows(database)).toEqual(await allRows(full.library.database))
      const { query } = database
      const search = createSearchIndex(database)
      expect((await search.relevant(query, { text: 'boat', limit: 9, offset: 0 })).total).toBe(0)
      expect((await search.relevant(query, { text: 'fox', limit: 9, offset: 0 })).total).toBe(1)
    })

    test('a restore that was cut is started again', async () => {
      await using full = await openFullLibrary(engine)
      for (const prompt of PROMPTS) await full.draw(prompt)
      const { path } = await backUpInto(full)
      await using empty = await openTarget(engine)
      const folder = await readBackupFolder(path)
      const cut = (what: string) => () =>
        restore({
          ...empty,
          folder,
          report: (step) => {
            if (step.what === what) throw new Error('cut')
          },
        })
      await expect(cut('pictures')()).rejects.toThrow('cut')
      await expect(cut('rows of image')()).rejects.toThrow('cut')
      await restore({ ...empty, folder })
      expect(await allRows(empty.database)).toEqual(await allRows(full.library.database))
      expect(await findOrphans({ ...empty })).toEqual([])
    })
  })
}

const [sqlite] = engines.filter(({ name }) => name === 'sqlite') as [TestEngine]

test('a damaged backup is named, and nothing is written', async () => {
  await using full = await openFullLibrary(sqlite)
  for (const prompt of PROMPTS) await full.draw(prompt)
  const { path, manifest, folder } = await backUpInto(full)
  await using empty = await openTarget(sqlite)
  const again = () => restore({ ...empty, folder })

  const rows = join(path, 'rows', manifest.id, 'image.jsonl')
  const whole = await readFile(rows)
  await writeFile(rows, whole.subarray(0, -10))
  await expect(again()).rejects.toThrow('the rows of image are not those that were written')
  await rm(rows)
  await expect(again()).rejects.toThrow('the rows of image cannot be read')
  await writeFile(rows, whole)
  expect(await empty.database.query.introspection.getTables()).toEqual([])

  const [blob] = await blobsOf(full.library.database)
  const picture = join(path, 'images', pictureKey(blob?.sha256 ?? '', blob?.mime ?? ''))
  const bytes = await readFile(picture)
  await rm(picture)
  await expect(again()).rejects.toThrow(`the picture ${blob?.sha256} is missing`)
  await writeFile(picture, Buffer.alloc(bytes.length))
  await expect(again()).rejects.toThrow(`${blob?.sha256}.png is damaged`)
  await rm(picture)
  await writeFile(picture, bytes)
  await again()

  await writeFile(join(path, 'manifest.json'), JSON.stringify({ ...manifest, migration: '9999-later' }))
  await expect(again()).rejects.toThrow('newer version')
  await writeFile(join(path, 'manifest.json'), '{"format": 1')
  await expect(readBackupFolder(path)).rejects.toThrow('damaged, or of another version')
  await rm(join(path, 'manifest.json'))
  await expect(readBackupFolder(path)).rejects.toThrow('no finished backup')
})

test('a backup of an older version is brought up to date', async () => {
  await using old = await openTarget(sqlite)
  await migrateUntil(old.database, '0002-batches')
  const job = JSON.stringify({ kind: 'generate', model: 'm', prompt: 'an old fox', n: 1, dialect: 'openai' })
  await sql`insert into task (id, mode, owner, status, job, total, completed, failed, created_at)
    values (${newId()}, 'sync', 'someone', 'completed', ${job}, 1, 1, 0, 5)`.execute(old.database.query)
  const folder = await openBackupFolder(join(old.dataDirectory, 'backup'))
  await backUp({ ...old, folder, clock: systemClock })

  await using fresh = await openTarget(sqlite)
  await using current = await sqlite.open()
  await expect(restore({ ...fresh, database: current.database, folder })).rejects.toThrow(
    'the tables there are of another version',
  )
  await restore({ ...fresh, folder })
  const { query } = fresh.database
  expect(await lastMigration(fresh.database)).toBe(await lastMigration(current.database))
  const search = createSearchIndex(fresh.database)
  expect((await search.relevant(query, { text: 'fox', limit: 9, offset: 0 })).total).toBe(1)
})

test('a second backup into the same folder keeps the pictures and takes the place of the first', async () => {
  await using full = await openFullLibrary(sqlite)
  await full.draw('a fox')
  const first = await backUpInto(full)
  const [blob] = await blobsOf(full.library.database)
  const key = pictureKey(blob?.sha256 ?? '', blob?.mime ?? '')
  // The same file under a second name: no bytes were copied.
  const { ino } = await stat(join(full.folder, 'images', key))
  expect((await stat(join(first.path, 'images', key))).ino).toBe(ino)
  await full.draw('a boat')
  const second = await backUpInto(full)
  expect(await readdir(join(second.path, 'rows'))).toEqual([second.manifest.id])
  expect(second.manifest.pictures.count).toBe(2)
  expect((await stat(join(second.path, 'manifest.json'))).mode & 0o777).toBe(0o600)
})

test('a file that was lost before does not stop the backup, and is named', async () => {
  await using full = await openFullLibrary(sqlite)
  for (const prompt of PROMPTS) await full.draw(prompt)
  const [blob] = await blobsOf(full.library.database)
  await full.library.originals.delete(pictureKey(blob?.sha256 ?? '', blob?.mime ?? ''))
  const { manifest, folder } = await backUpInto(full)
  expect(manifest.missing).toEqual([blob?.sha256])
  await using empty = await openTarget(sqlite)
  await restore({ ...empty, folder })
  expect((await blobsOf(empty.database)).length).toBe(PROMPTS.length)
})

test('a folder that holds something else is left alone', async () => {
  await using full = await openFullLibrary(sqlite)
  await writeFile(join(full.folder, 'letter.txt'), await drawUnique())
  await expect(openBackupFolder(full.folder)).rejects.toThrow('is no backup and not empty')
})

type Connected = Awaited<ReturnType<typeof connect>>

const addInput = (query: Connected['query'], n: number) =>
  query
    .insertInto('task_input')
    .values({
      task_id: `task ${n % 7}`,
      role: n % 2 ? 'mask' : 'image',
      position: n,
      sha256: n.toString(16).padStart(64, '0'),
    })
    .execute()

const blobsOf = ({ query }: Connected) =>
  query.selectFrom('blob').select(['sha256', 'mime']).orderBy('sha256').execute()
