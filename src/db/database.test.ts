import { type Insertable, sql } from 'kysely'
import { afterAll, describe, expect, test } from 'vitest'
import { newId } from '../base/id.ts'
import { chunked } from './chunked.ts'
import type { Database } from './connect.ts'
import { addToCounters, readCounter } from './counter.ts'
import { isUniqueViolation } from './errors.ts'
import { batches } from './migrations/0002-batches.ts'
import { translations } from './migrations/0006-translations.ts'
import { admin } from './migrations/0007-admin.ts'
import type { BlobTable, ImageTable, TaskTable } from './schema.ts'
import { testDatabases } from './testing.ts'
import { insertIgnore, upsert } from './upsert.ts'

const HASH = 'ab'.repeat(32)
const LARGEST = Number.MAX_SAFE_INTEGER
const EVERY_SCRIPT = '🦊 一只狐狸 \u{20BB7} e\u0301 \\ \' " % _ \t\n ﷽ Ω'

for (const engine of testDatabases()) {
  describe(engine.name, async () => {
    const { database, ...rest } = await engine.open()
    const { query } = database
    afterAll(() => rest[Symbol.asyncDispose]())

    test('migrating again changes nothing', async () => {
      await database.migrate()
      const tables = await query.introspection.getTables()
      const names = tables.map(({ name }) => name).filter((name) => !name.startsWith('search_'))
      expect(names.sort()).toEqual(
        [
          ...['account', 'account_rest', 'admin', 'api_key', 'blob', 'counter', 'image', 'job', 'key_quota'],
          ...['login_failure', 'session', 'setting', 'task', 'task_input', 'translation', 'usage_day'],
        ].sort(),
      )
    })

    test('indexes that come later may be made twice: a migration can be cut on an engine that does not roll it back', async () => {
      for (const { up } of [batches, translations, admin].map((migration) => migration(database.facts))) {
        await up(query)
        await up(query)
      }
    })

    test('every column of an image comes back as it went in', async () => {
      const row = image({
        prompt: EVERY_SCRIPT.repeat(5000),
        revised_prompt: EVERY_SCRIPT,
        sent_prompt: EVERY_SCRIPT.repeat(5000),
        seed: LARGEST,
        bytes: LARGEST,
        signature: 'x'.repeat(5_000_000),
        details: JSON.stringify({ text: EVERY_SCRIPT }),
        model: '模'.repeat(255),
        created_at: LARGEST,
        deleted_at: 0,
      })
      await query.insertInto('image').values(row).execute()
      expect(await find(database, 'image', row.id)).toEqual(row)
      const negative = image({ seed: -LARGEST, prompt: '' })
      await query.insertInto('image').values(negative).execute()
      expect(await find(database, 'image', negative.id)).toEqual(negative)
    })

    test('every column of a task comes back as it went in', async () => {
      const row = task({
        error: EVERY_SCRIPT,
        warnings: EVERY_SCRIPT,
        usage_json: EVERY_SCRIPT,
        idempotency_key: '🦊'.repeat(255),
        request_hash: '',
        webhook_url: `https://example.com/${'x'.repeat(3000)}`,
      })
      await query.insertInto('task').values(row).execute()
      expect(await find(database, 'task', row.id)).toEqual(row)
    })

    test('counts and sums are numbers', async () => {
      await query
        .insertInto('image')
        .values(image({ owner: 'counted', bytes: 2 ** 40 }))
        .execute()
      await query
        .insertInto('image')
        .values(image({ owner: 'counted', bytes: 1 }))
        .execute()
      const row = await query
        .selectFrom('image')
        .where('owner', '=', 'counted')
        .select((eb) => [eb.fn.countAll().as('count'), eb.fn.sum('bytes').as('sum')])
        .executeTakeFirst()
      expect({ ...row }).toEqual({ count: 2, sum: 2 ** 40 + 1 })
    })

    test('text is compared exactly', async () => {
      for (const name of ['Exact', 'exact', 'éxact', 'e\u0301xact', '🦊', '🐻']) {
        await query.insertInto('setting').values({ name, value: name }).execute()
        expect(await settings(database, name)).toEqual([name])
      }
      const key = { owner: 'exact', idempotency_key: 'Key' }
      await query.insertInto('task').values(task(key)).execute()
      await query
        .insertInto('task')
        .values(task({ ...key, idempotency_key: 'key' }))
        .execute()
      await query
        .insertInto('task')
        .values(task({ ...key, owner: 'Exact' }))
        .execute()
    })

    test('looking for an id in another script finds nothing', async () => {
      expect(await find(database, 'image', '🦊')).toBeUndefined()
      expect(await find(database, 'image', "' or ''='\\")).toBeUndefined()
    })

    test('a second row with the same key is a unique violation, other errors are not', async () => {
      const row = task({ idempotency_key: 'once' })
      const insert = (values: TaskTable) => query.insertInto('task').values(values).execute()
      await insert(row)
      expect(isUniqueViolation(await errorOf(insert(row)))).toBe(true)
      expect(isUniqueViolation(await errorOf(insert({ ...row, id: newId() })))).toBe(true)
      await insert(task({ idempotency_key: null }))
      await insert(task({ idempotency_key: null }))
      expect(isUniqueViolation(await errorOf(sql`select * from nothing`.execute(query)))).toBe(false)
      expect(
        isUniqueViolation(await errorOf(sql`insert into setting (name) values ('x')`.execute(query))),
      ).toBe(false)
      expect(isUniqueViolation('ER_DUP_ENTRY')).toBe(false)
    })

    test('upsert replaces, insertIgnore keeps', async () => {
      await insertIgnore(database, query, 'setting', { name: 'upsert', value: 'first' })
      await insertIgnore(database, query, 'setting', { name: 'upsert', value: 'second' })
      expect(await settings(database, 'upsert')).toEqual(['first'])
      await upsert(database, query, 'setting', { name: 'upsert', value: 'third' }, ['name'])
      expect(await settings(database, 'upsert')).toEqual(['third'])
      await upsert(database, query, 'setting', { name: 'upsert2', value: 'new' }, ['name'])
      expect(await settings(database, 'upsert2')).toEqual(['new'])
    })

    test('a counter begins with its first change and adds up, for each owner and for all', async () => {
      const change = (owner: string, by: number) =>
        addToCounters(database, query, [{ owner, name: 'tasks', change: by }])
      expect(await readCounter(query, { name: 'tasks' })).toBe(0)
      await change('one', 2)
      await Promise.all([1, 2, 3, 4, 5].map(() => change('one', 1)))
      await change('other', 4)
      await change('other', -1)
      expect(await readCounter(query, { owner: 'one', name: 'tasks' })).toBe(7)
      expect(await readCounter(query, { owner: 'other', name: 'tasks' })).toBe(3)
      expect(await readCounter(query, { owner: 'nobody', name: 'tasks' })).toBe(0)
      expect(await readCounter(query, { name: 'tasks' })).toBe(10)
    })

    test('several counters change at once, whatever the order and however often they are named', async () => {
      const change = (owner: string, name: 'images' | 'image_bytes', by: number) => ({
        owner,
        name,
        change: by,
      })
      const changes = [change('b', 'images', 1), change('a', 'image_bytes', 70), change('b', 'images', 2)]
      await Promise.all([
        addToCounters(database, query, changes),
        addToCounters(database, query, changes.toReversed()),
        addToCounters(database, query, [change('a', 'images', 1), change('a', 'images', -1)]),
        addToCounters(database, query, []),
      ])
      expect(await readCounter(query, { name: 'images' })).toBe(6)
      expect(await readCounter(query, { owner: 'a', name: 'image_bytes' })).toBe(140)
      const rows = await query.selectFrom('counter').select('name').where('owner', '=', 'a').execute()
      expect(rows).toEqual([{ name: 'image_bytes' }])
    })

    test('insertIgnore hides no other error', async () => {
      const noValue = { name: 'ignored', value: sql<string>`null` }
      await expect(insertIgnore(database, query, 'setting', noValue)).rejects.toThrow(/null/i)
      expect(await settings(database, 'ignored')).toEqual([])
    })

    test('a transaction that fails leaves nothing', async () => {
      const failed = query.transaction().execute(async (query) => {
        await query.insertInto('setting').values({ name: 'rolled-back', value: '' }).execute()
        throw new Error('no')
      })
      await expect(failed).rejects.toThrow('no')
      expect(await settings(database, 'rolled-back')).toEqual([])
    })

    test('many transactions that hold the same blob count right', async () => {
      await Promise.all(
        Array.from({ length: 40 }, () =>
          query.transaction().execute(async (query) => {
            await insertIgnore(database, query, 'blob', BLOB)
            await query
              .updateTable('blob')
              .set({ reference_count: sql`reference_count + 1` })
              .where('sha256', '=', BLOB.sha256)
              .execute()
          }),
        ),
      )
      const found = await query.selectFrom('blob').selectAll().where('sha256', '=', BLOB.sha256).execute()
      expect(found).toEqual([{ ...BLOB, reference_count: 40 }])
    })

    test('an update says how many rows it met, also when they stay the same', async () => {
      await query.insertInto('setting').values({ name: 'met', value: 'x' }).execute()
      const update = (name: string) =>
        query.updateTable('setting').set({ value: 'x' }).where('name', '=', name).executeTakeFirst()
      expect((await update('met')).numUpdatedRows).toBe(1n)
      expect((await update('unmet')).numUpdatedRows).toBe(0n)
    })

    test('long lists go in chunks', async () => {
      const names = Array.from({ length: 2500 }, (_, index) => `chunk-${index}`)
      for (const some of chunked(names)) {
        await query
          .insertInto('setting')
          .values(some.map((name) => ({ name, value: '' })))
          .execute()
      }
      let found = 0
      for (const some of chunked(names)) {
        found += (await query.selectFrom('setting').select('name').where('name', 'in', some).execute()).length
      }
      expect(found).toBe(2500)
    })
  })
}

function find(database: Database, table: 'image' | 'task', id: string) {
  return database.query.selectFrom(table).selectAll().where('id', '=', id).executeTakeFirst()
}

async function settings(database: Database, name: string): Promise<string[]> {
  const rows = await database.query.selectFrom('setting').selectAll().where('name', '=', name).execute()
  return rows.map(({ value }) => value)
}

const errorOf = (promise: Promise<unknown>) => promise.catch((error: unknown) => error)

const task = (differences: Partial<TaskTable>): TaskTable => ({
  id: newId(),
  mode: 'async',
  owner: 'owner',
  status: 'queued',
  job: '{}',
  total: 1,
  completed: 0,
  failed: 0,
  error: null,
  warnings: null,
  usage_json: null,
  idempotency_key: null,
  request_hash: null,
  webhook_url: null,
  created_at: 1,
  started_at: null,
  finished_at: null,
  deleted_at: null,
  credential: null,
  pool: null,
  reserved: null,
  reserved_day: null,
  uncounted: null,
  ...differences,
})

const image = (differences: Partial<ImageTable>): ImageTable => ({
  id: newId(),
  task_id: newId(),
  position: 0,
  owner: 'owner',
  sha256: HASH,
  provider: 'demo',
  model: 'demo',
  upstream_model: 'demo',
  prompt: 'a fox',
  revised_prompt: null,
  sent_prompt: null,
  seed: null,
  width: 1024,
  height: 1024,
  bytes: 1,
  mime: 'image/png',
  signature: null,
  details: null,
  parent_id: null,
  parent_kind: null,
  created_at: 1,
  deleted_at: null,
  ...differences,
})

const BLOB: Insertable<BlobTable> = {
  sha256: HASH,
  bytes: LARGEST,
  mime: 'image/png',
  width: 2 ** 31 - 1,
  height: 1,
  reference_count: 0,
  thumbhash: 'x'.repeat(64),
  phash: '0123456789abcdef',
  derived_at: null,
  derive_error: EVERY_SCRIPT,
  created_at: 1,
  remote_state: null,
  remote_error: null,
  remote_attempts: null,
  remote_at: null,
  uploaded_at: null,
  local_at: null,
}
