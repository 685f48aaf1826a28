import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { afterAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { createLog } from '../../base/log.ts'
import type { JobTable } from '../../db/schema.ts'
import { testDatabases } from '../../db/testing.ts'
import { describeQueue } from './conformance.ts'
import { createDatabaseQueue } from './database-queue.ts'

const log = createLog('silent')
const QUICK = { poll: 50, retry: 10 }

for (const engine of testDatabases()) {
  describeQueue(`${engine.name} database`, async () => {
    const opened = await engine.open()
    return {
      connect: () => createDatabaseQueue(opened.database, { clock: systemClock, log, timing: QUICK }),
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    }
  })

  describe(`${engine.name} database queue`, async () => {
    const { database, url, ...rest } = await engine.open()
    afterAll(() => rest[Symbol.asyncDispose]())

    const insert = (differences: Partial<JobTable>) =>
      database.query
        .insertInto('job')
        .values({ ...RUNNING, ...differences })
        .execute()
    const find = async (id: string) => ({
      ...(await database.query.selectFrom('job').selectAll().where('id', '=', id).executeTakeFirst()),
    })
    const eventually = <Value>(value: () => Value | Promise<Value>) =>
      expect.poll(value, { timeout: 20_000, interval: 10 })

    test('a process that is killed in the middle of a job leaves it to the next', async () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD, url], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await database.query.deleteFrom('job').execute()
      const timing = { ...QUICK, lease: 24 * 60 * 60 * 1000 }
      const queue = createDatabaseQueue(database, { clock: systemClock, log, timing })
      await queue.add('killed', { task: 'x' }, { id: 'killed' })
      const [started] = await once(child.stdout, 'data')
      expect(String(started)).toBe('started killed 1\n')
      child.kill('SIGKILL')
      await once(child, 'exit')
      expect(await find('killed')).toMatchObject({ state: 'running', attempts: 1 })
      const resumed = Promise.withResolvers<unknown>()
      queue.work('killed', { concurrency: 1 }, async ({ id, payload, attempt }) =>
        resumed.resolve({ id, payload, attempt }),
      )
      expect(await resumed.promise).toEqual({ id: 'killed', payload: { task: 'x' }, attempt: 2 })
      await eventually(() => queue.depth()).toEqual({})
      await queue.close()
    })

    test('what kills every process ends as failed', async () => {
      const now = Date.now()
      await insert({ id: 'poison', attempts: 5, worker: 'elsewhere:1:a.b', lease_until: now - 1 })
      await insert({
        id: 'restarted',
        worker: `${hostname()}:${process.pid}:before.x`,
        lease_until: now + 1e9,
      })
      await insert({ id: 'elsewhere', worker: 'elsewhere:1:a.b', lease_until: now + 1e9 })
      const queue = createDatabaseQueue(database, { clock: systemClock, log, timing: QUICK })
      const runs: string[] = []
      queue.work('held', { concurrency: 1 }, async ({ id, attempt }) => void runs.push(`${id} ${attempt}`))
      await eventually(() => queue.depth()).toEqual({ held: { waiting: 0, running: 1, failed: 1 } })
      await queue.close()
      expect(runs).toEqual(['restarted 2'])
      expect(await find('poison')).toMatchObject({ state: 'failed', error: 'interrupted in every attempt' })
      expect(await find('elsewhere')).toMatchObject({ state: 'running', worker: 'elsewhere:1:a.b' })
      await database.query.deleteFrom('job').execute()
    })

    test('a lease is renewed while the job runs; who loses it is told and changes nothing', async () => {
      let now = 1_000_000
      const timing = { ...QUICK, lease: 90 }
      const queue = createDatabaseQueue(database, { clock: { now: () => now }, log, timing })
      const started = Promise.withResolvers<AbortSignal>()
      const gate = Promise.withResolvers<void>()
      queue.work('lease', { concurrency: 1 }, ({ signal }) => {
        started.resolve(signal)
        return gate.promise
      })
      await queue.add('lease', null, { id: 'lease' })
      const signal = await started.promise
      expect(await find('lease')).toMatchObject({ state: 'running', lease_until: now + 90 })
      now += 80
      await eventually(async () => (await find('lease')).lease_until).toBe(now + 90)
      expect(signal.aborted).toBe(false)
      const other = { worker: 'elsewhere:1:a.b', attempts: 2, lease_until: now + 1e9 }
      await database.query.updateTable('job').set(other).where('id', '=', 'lease').execute()
      await eventually(() => signal.aborted).toBe(true)
      gate.resolve()
      await queue.close()
      expect(await find('lease')).toMatchObject({ state: 'running', ...other })
      await database.query.deleteFrom('job').execute()
    })

    test('an expired lease of another host is taken over', async () => {
      let now = 1_000_000
      await insert({ id: 'expired', worker: 'elsewhere:1:a.b', lease_until: now + 1 })
      const timing = { ...QUICK, lease: 90 }
      const queue = createDatabaseQueue(database, { clock: { now: () => now }, log, timing })
      const { promise, resolve } = Promise.withResolvers<number>()
      queue.work('held', { concurrency: 1 }, async ({ attempt }) => resolve(attempt))
      now += 2
      expect(await promise).toBe(2)
      await queue.close()
      await database.query.deleteFrom('job').execute()
    })

    test('a failed job keeps the message of its last error', async () => {
      const queue = createDatabaseQueue(database, { clock: systemClock, log, timing: QUICK })
      queue.work('message', { concurrency: 1 }, async ({ attempt }) => {
        throw new Error(`no\0 ${attempt} 🦊`, { cause: new Error('secret') })
      })
      await queue.add('message', null, { id: 'message', attempts: 2 })
      await eventually(async () => (await find('message')).state).toBe('failed')
      expect((await find('message')).error).toBe('no 2 🦊')
      await queue.close()
    })
  })
}

const RUNNING: JobTable = {
  id: '',
  queue: 'held',
  payload: 'null',
  state: 'running',
  attempts: 1,
  max_attempts: 5,
  run_at: 0,
  lease_until: 0,
  worker: null,
  error: null,
  created_at: 0,
}

/** Takes one job and never ends. */
const CHILD = `
  const resolve = (path) => import(new URL(path, ${JSON.stringify(import.meta.url)}))
  const { connect } = await resolve('../../db/connect.ts')
  const { systemClock } = await resolve('../../base/clock.ts')
  const { createLog } = await resolve('../../base/log.ts')
  const { createDatabaseQueue } = await resolve('./database-queue.ts')
  const timing = { poll: 50, lease: 24 * 60 * 60 * 1000 }
  const queue = createDatabaseQueue(await connect(process.argv[1]), { clock: systemClock, log: createLog('silent'), timing })
  queue.work('killed', { concurrency: 1 }, ({ id, attempt }) => {
    process.stdout.write('started ' + id + ' ' + attempt + '\\n')
    return new Promise(() => {})
  })
  setTimeout(() => {}, 60_000)`
