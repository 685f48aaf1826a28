import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { connect, type Database } from './connect.ts'
import type { Engine } from './facts.ts'

/** A fresh, migrated database that is dropped in the end. */
export interface TestDatabase extends AsyncDisposable {
  database: Database
  url: string
}

export interface TestEngine {
  name: Engine
  open(): Promise<TestDatabase>
  /** The same without tables. */
  openEmpty(): Promise<TestDatabase>
}

/**
 * The engines to test on: SQLite always, the others when the environment says where they are. `DIALECTS` (names
 * separated by commas) chooses some of them, and then one that cannot be reached is an error.
 */
export function testDatabases(): TestEngine[] {
  const { TEST_POSTGRES_URL: postgres, TEST_MYSQL_URL: mysql, DIALECTS: dialects } = process.env
  const wanted = dialects?.split(',').map((name) => name.trim())
  const engines: { name: Engine; openEmpty: (() => Promise<TestDatabase>) | undefined }[] = [
    { name: 'sqlite', openEmpty: openSqlite },
    { name: 'postgres', openEmpty: postgres === undefined ? undefined : () => openOnServer(postgres) },
    { name: 'mysql', openEmpty: mysql === undefined ? undefined : () => openOnServer(mysql) },
  ]
  const unknown = wanted?.find((name) => !engines.some((engine) => engine.name === name))
  if (unknown !== undefined)
    throw new Error(`DIALECTS names ${unknown}, which is not sqlite, postgres or mysql`)
  return engines.flatMap(({ name, openEmpty }) => {
    if (wanted ? !wanted.includes(name) : openEmpty === undefined) return []
    if (openEmpty === undefined)
      throw new Error(`DIALECTS names ${name}, but TEST_${name.toUpperCase()}_URL is not set`)
    return [{ name, openEmpty, open: () => migrated(openEmpty) }]
  })
}

async function migrated(openEmpty: () => Promise<TestDatabase>): Promise<TestDatabase> {
  const opened = await openEmpty()
  await opened.database.migrate()
  return opened
}

async function openSqlite(): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'pictor-database-'))
  const url = `sqlite:${join(folder, 'test.db')}`
  const database = await connect(url)
  return {
    database,
    url,
    [Symbol.asyncDispose]: async () => {
      await database.close()
      await rm(folder, { recursive: true })
    },
  }
}

async function openOnServer(serverUrl: string): Promise<TestDatabase> {
  const name = `pictor_test_${randomBytes(6).toString('hex')}`
  const url = Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href
  await onServer(serverUrl, sql`create database ${sql.id(name)}`)
  const database = await connect(url)
  return {
    database,
    url,
    [Symbol.asyncDispose]: async () => {
      await database.close()
      await onServer(serverUrl, sql`drop database ${sql.id(name)}`)
    },
  }
}

async function onServer(url: string, statement: ReturnType<typeof sql>): Promise<void> {
  const server = await connect(url, { poolSize: 1 })
  try {
    await statement.execute(server.query)
  } finally {
    await server.close()
  }
}
