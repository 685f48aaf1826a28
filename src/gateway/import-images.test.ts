import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import { readGallery } from '../admin/import/gallery.ts'
import { openPicGate } from '../admin/import/picgate.ts'
import type { ForeignImage } from '../admin/import/record.ts'
import { type FullLibrary, openFullLibrary } from '../admin/testing.ts'
import { openSpoolDirectory } from '../bytes/spool.ts'
import { readCounter } from '../db/counter.ts'
import { testDatabases } from '../db/testing.ts'
import { drawUnique } from '../library/testing.ts'
import { listTasks } from '../tasks/history.ts'
import { importImages } from './import-images.ts'

const OWNER = 'importer'
const MAY = Date.UTC(2025, 4, 1, 12)

const root = await mkdtemp(join(tmpdir(), 'pictor-import-'))
afterAll(() => rm(root, { recursive: true }))

async function makeGallery(): Promise<string> {
  const folder = await mkdtemp(join(root, 'gallery-'))
  const fox = await drawUnique()
  await writeFile(join(folder, 'fox.png'), fox)
  await writeFile(join(folder, 'same-fox.jpg'), fox)
  await mkdir(join(folder, 'images'))
  await writeFile(join(folder, 'images', 'boat.png'), await drawUnique())
  await writeFile(join(folder, 'page.png'), '<!doctype html><p>not found')
  await writeFile(join(folder, 'half.png'), (await drawUnique()).subarray(0, 60))
  await writeFile(join(root, 'outside.png'), await drawUnique())
  const records = {
    a1: {
      id: 'a1',
      filename: 'fox.png',
      prompt: 'a red fox',
      model: 'grok-imagine',
      aspect_ratio: '2:3',
      created_at: MAY / 1000,
      file_size: 1,
      width: 1,
      height: 1,
      tags: ['animal', '狐狸'],
      nsfw: false,
      metadata: { run: 7 },
    },
    a2: { filename: 'same-fox.jpg', prompt: '油画女孩', created_at: MAY + 5000 },
    a3: {
      filename: 'boat.png',
      prompt: 'a boat \0 at sea',
      model: 'x'.repeat(300),
      aspect_ratio: '7:5',
      created_at: '2025-05-02 12:00:00',
    },
    a4: { filename: 'gone.png', prompt: 'gone' },
    a5: { filename: 'page.png', prompt: 'a page' },
    a6: { filename: 'half.png', prompt: 'half' },
    a7: { filename: '../outside.png', prompt: 'outside' },
    a8: { prompt: 'no file' },
    version: 2,
  }
  await writeFile(join(folder, 'image_metadata.json'), JSON.stringify(records))
  return folder
}

async function bring(full: FullLibrary, source: string, folder: string, images: Iterable<ForeignImage>) {
  const spools = await openSpoolDirectory(join(full.folder, 'spool'))
  const { library, search } = full
  const parts = { database: library.database, library, search, spools }
  return importImages(parts, { source, folder, owner: OWNER, images, report: () => {} }).finally(() =>
    spools.close(),
  )
}

for (const engine of testDatabases()) {
  describe(engine.name, () => {
    test('a gallery: times, prompts, tags; the same bytes once; what cannot be taken is named; twice adds nothing', async () => {
      await using full = await openFullLibrary(engine)
      const { database } = full.library
      const { query } = database
      const folder = await makeGallery()
      const { images, unreadable } = await readGallery(join(folder, 'image_metadata.json'))
      const result = await bring(full, 'gallery', folder, images)
      expect(result).toMatchObject({ added: 3, present: 0, missing: ['gone.png', '../outside.png'] })
      expect(result.broken).toEqual([
        { file: 'page.png', reason: 'it is an HTML page' },
        { file: 'half.png', reason: expect.stringMatching(/missing|ends/) },
      ])
      expect(unreadable()).toBe(2)

      const rows = await query.selectFrom('image').selectAll().orderBy('id').execute()
      expect(rows.map((row) => [row.prompt, row.created_at])).toEqual([
        ['a red fox', MAY],
        ['油画女孩', MAY + 5000],
        ['a boat  at sea', MAY + 24 * 60 * 60 * 1000],
      ])
      expect(rows.map(({ id }) => Number.parseInt(id.replace('-', '').slice(0, 12), 16))).toEqual(
        rows.map((row) => row.created_at),
      )
      expect(rows[0]).toMatchObject({
        owner: OWNER,
        provider: 'gallery',
        model: 'grok-imagine',
        width: 40,
        height: 30,
      })
      expect(JSON.parse(rows[0]?.details ?? '')).toEqual({
        imported: {
          from: 'gallery',
          id: 'a1',
          aspect_ratio: '2:3',
          file_size: 1,
          width: 1,
          height: 1,
          tags: ['animal', '狐狸'],
          nsfw: false,
          metadata: { run: 7 },
        },
      })
      const blobs = await query
        .selectFrom('blob')
        .select('reference_count')
        .orderBy('reference_count')
        .execute()
      expect(blobs).toEqual([{ reference_count: 1 }, { reference_count: 2 }])

      const tasks = await listTasks(query, { owner: OWNER, limit: 9 })
      expect(
        tasks.map(({ status, total, completed, finishedAt }) => ({ status, total, completed, finishedAt })),
      ).toEqual(
        rows
          .map((row) => ({ status: 'completed', total: 1, completed: 1, finishedAt: row.created_at }))
          .reverse(),
      )
      expect(tasks.at(-1)?.job).toMatchObject({ aspectRatio: '2:3' })
      expect(await readCounter(query, { owner: OWNER, name: 'tasks' })).toBe(3)
      expect(
        (await full.search.relevant(query, { owner: OWNER, text: '女孩', limit: 9, offset: 0 })).total,
      ).toBe(1)

      const again = await readGallery(join(folder, 'image_metadata.json'))
      expect(await bring(full, 'gallery', folder, again.images)).toMatchObject({ added: 0, present: 3 })
      expect(await query.selectFrom('image').select('id').execute()).toHaveLength(3)
    })

    test('PicGate: columns are found, also the prompt of a task', async () => {
      await using full = await openFullLibrary(engine)
      const folder = await mkdtemp(join(root, 'picgate-'))
      await mkdir(join(folder, 'storage', 'images'), { recursive: true })
      await writeFile(join(folder, 'storage', 'images', 'one.png'), await drawUnique())
      await writeFile(join(folder, 'storage', 'images', 'two.png'), await drawUnique())
      const file = join(folder, 'picgate.db')
      const database = new DatabaseSync(file)
      database.exec(`
        create table tasks (id integer primary key, prompt text, model text, created_at text);
        create table api_logs (id integer primary key, path text);
        create table images (id integer primary key, task_id integer, prompt text, file_path text, mime_type text,
          size integer, thumbnail blob, created_at integer);
        insert into api_logs values (1, '/v1/chat');
        insert into tasks values (7, 'a prompt of the task', 'gemini', '2020-01-01');
        insert into images values (1, null, 'its own prompt', './storage/images/one.png', 'image/png', 9, x'00', ${MAY / 1000});
        insert into images values (9007199254740995, 7, null, 'C:\\data\\storage\\images\\two.png', 'image/png', 9, null, ${MAY});
      `)
      database.close()
      using source = openPicGate(file)
      const result = await bring(full, 'picgate', folder, source.images)
      expect(result).toMatchObject({ added: 2, missing: [], broken: [] })
      const rows = await full.library.database.query
        .selectFrom('image')
        .selectAll()
        .orderBy('prompt')
        .execute()
      expect(rows.map(({ prompt, model, created_at }) => [prompt, model, created_at])).toEqual([
        ['a prompt of the task', 'gemini', MAY],
        ['its own prompt', 'unknown', MAY],
      ])
      expect(JSON.parse(rows[0]?.details ?? '')).toEqual({
        imported: { from: 'picgate', id: '9007199254740995', task_id: 7, mime_type: 'image/png', size: 9 },
      })
    })
  })
}

test('a database without pictures is refused', async () => {
  const file = join(root, 'empty.db')
  const database = new DatabaseSync(file)
  database.exec('create table notes (id integer primary key, title text)')
  database.close()
  expect(() => openPicGate(file)).toThrow('no table with pictures')
})
