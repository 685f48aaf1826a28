import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { connect } from './connect.ts'
import { testDatabases } from './testing.ts'

for (const engine of testDatabases()) {
  test(`${engine.name}: processes that migrate at the same moment take turns`, async () => {
    await using opened = await engine.openEmpty()
    const { database, url } = opened
    const others = [1, 2, 3].map(() => runProcess(url, 'await database.migrate()'))
    const exits = await Promise.all([...others, database.migrate(), database.migrate()])
    expect(exits).toEqual([0, 0, 0, undefined, undefined])
    expect(await database.query.selectFrom('task').selectAll().execute()).toEqual([])
  })

  test(`${engine.name}: processes that read and then write take turns`, async () => {
    await using opened = await engine.open()
    const { query } = opened.database
    await query.insertInto('setting').values({ name: 'count', value: '' }).execute()
    const exits = await Promise.all(
      [1, 2].map(() => runProcess(opened.url, readAndWrite(engine.name === 'sqlite' ? '' : '.forUpdate()'))),
    )
    expect(exits).toEqual([0, 0])
    const count = query.selectFrom('setting').select('value').where('name', '=', 'count')
    expect(await count.execute()).toEqual([{ value: 'x'.repeat(40) }])
  })
}

for (const { name, open } of testDatabases().filter(({ name }) => name !== 'sqlite')) {
  test(`${name}: connections that the server ends while they are idle are replaced`, async () => {
    await using opened = await open()
    await using other = await open()
    const { database, url } = opened
    const { list, end } = CONNECTIONS[name]
    const databaseName = new URL(url).pathname.slice(1)
    const { rows } = await sql<{ id: number }>`${list} = ${databaseName}`.execute(other.database.query)
    expect(rows.length).toBeGreaterThan(0)
    for (const { id } of rows) await end(id).execute(other.database.query)
    const fails = async () =>
      (await errorOf(database.query.selectFrom('setting').selectAll().execute())) instanceof Error
    await expect.poll(fails, { timeout: 20_000 }).toBe(false)
  })
}

for (const { open } of testDatabases().filter(({ name }) => name === 'mysql')) {
  test('a session of MySQL is strict, in UTC, and locks no gaps', async () => {
    await using opened = await open()
    const names = ['sql_mode', 'time_zone', 'tx_isolation', 'transaction_isolation']
    const { rows } = await sql<{
      Value: string
    }>`show variables where Variable_name in (${sql.join(names)})`.execute(opened.database.query)
    const values = rows.map(({ Value }) => Value)
    expect(values).toEqual([expect.stringContaining('STRICT_ALL_TABLES'), '+00:00', 'READ-COMMITTED'])
    const long = { name: 'x'.repeat(65), value: '' }
    await expect(opened.database.query.insertInto('setting').values(long).execute()).rejects.toThrow(
      'too long',
    )
  })
}

test.each([
  [
    'postgres://user:secret@127.0.0.1:1/name?password=secret',
    'cannot open the database postgres://127.0.0.1:1/name: ',
  ],
  ['mysql://user:secret@127.0.0.1:1/name', 'cannot open the database mysql://127.0.0.1:1/name: '],
  ['sqlite:/no/such/folder/file', 'cannot open the database sqlite:/no/such/folder/file: '],
  ['redis://127.0.0.1', 'a database URL starts with '],
])('an URL that leads nowhere: %s', async (url, message) => {
  const error = await errorOf(connect(url))
  expect(String(error)).toContain(message)
  expect(String(error)).not.toContain('secret')
})

test.each(['sqlite::memory:', 'sqlite://:memory:'])('%s is a database of its own', async (url) => {
  const database = await connect(url)
  await database.migrate()
  expect(await database.query.selectFrom('setting').selectAll().execute()).toEqual([])
  await database.close()
})

/** Runs code with an open `database` in a process of its own and returns its exit code. */
async function runProcess(url: string, code: string): Promise<unknown> {
  const script = `
    const { connect } = await import(${JSON.stringify(import.meta.resolve('./connect.ts'))})
    const database = await connect(process.argv[1])
    ${code}
    await database.close()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, url], { stdio: 'inherit' })
  const [exit] = await once(child, 'exit')
  return exit
}

/** Begins when two processes are there, so that each meets the other between its read and its write. */
const readAndWrite = (lock: string) => `
  const { setTimeout } = await import('node:timers/promises')
  const settings = database.query.selectFrom('setting')
  await database.query.insertInto('setting').values({ name: 'process ' + process.pid, value: '' }).execute()
  const others = settings.selectAll().where('name', 'like', 'process %')
  for (let tries = 0; tries < 5000 && (await others.execute()).length < 2; tries++) await setTimeout(1)
  for (let index = 0; index < 20; index++) {
    await database.query.transaction().execute(async (query) => {
      const count = query.selectFrom('setting').select('value').where('name', '=', 'count')
      const { value } = await count${lock}.executeTakeFirst()
      await setTimeout(1)
      await query.updateTable('setting').set({ value: value + 'x' }).where('name', '=', 'count').execute()
    })
  }`

const errorOf = (promise: Promise<unknown>) => promise.catch((error: unknown) => error)

const CONNECTIONS = {
  sqlite: { list: sql``, end: () => sql`` },
  postgres: {
    list: sql`select pid as id from pg_stat_activity where datname`,
    end: (id: number) => sql`select pg_terminate_backend(${id})`,
  },
  mysql: {
    list: sql`select id from information_schema.processlist where db`,
    end: (id: number) => sql`kill ${sql.lit(id)}`,
  },
}
