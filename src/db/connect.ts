import { type Dialect, Kysely, sql } from 'kysely'
import { type Engine, FACTS, type Facts } from './facts.ts'
import { migrate } from './migrate.ts'
import type { Schema } from './schema.ts'
import { sqliteDialect } from './sqlite.ts'

/** An open database, whichever engine it is. */
export interface Database {
  /** Where every query starts. Inside a transaction the inner handle takes this name. */
  query: Kysely<Schema>
  engine: Engine
  /** In what the engines differ. */
  facts: Facts
  /** Brings the tables up to date; safe when several processes do it at once. */
  migrate(): Promise<void>
  /** Waits for running queries, then lets go of all connections. */
  close(): Promise<void>
}

export interface ConnectOptions {
  /** Most connections of this process; SQLite always has one. */
  poolSize?: number
}

const DEFAULT_POOL_SIZE = 8

/**
 * Opens a database and makes sure that it answers. Forms of the URL: `sqlite:relative/path`, `sqlite:///absolute/path`,
 * `sqlite::memory:`, `postgres://` or `postgresql://`, `mysql://` or `mariadb://`. A SQLite file is created; its folder is not.
 *
 * @throws Error that names the database without its password
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Database> {
  const { engine, dialect } = await dialectOf(url, options.poolSize ?? DEFAULT_POOL_SIZE)
  const query = new Kysely<Schema>({ dialect })
  const facts = FACTS[engine]
  try {
    await sql`select 1`.execute(query)
  } catch (cause) {
    await query.destroy()
    throw new Error(`cannot open the database ${withoutPassword(url)}: ${reason(cause)}`, { cause })
  }
  return { query, engine, facts, migrate: () => migrate(query, facts), close: () => query.destroy() }
}

/** The drivers are loaded where they are used: each takes as much memory as a few pictures under way. */
async function dialectOf(url: string, poolSize: number): Promise<{ engine: Engine; dialect: Dialect }> {
  const [, scheme = '', rest = ''] = /^([a-z]+):(.*)$/s.exec(url) ?? []
  switch (scheme) {
    case 'sqlite':
      return { engine: 'sqlite', dialect: sqliteDialect(rest.replace(/^\/\//, '')) }
    case 'postgres':
    case 'postgresql':
      return {
        engine: 'postgres',
        dialect: (await import('./postgres.ts')).postgresDialect(url, poolSize),
      }
    case 'mysql':
    case 'mariadb':
      return {
        engine: 'mysql',
        dialect: (await import('./mysql.ts')).mysqlDialect(`mysql:${rest}`, poolSize),
      }
    default:
      throw new Error('a database URL starts with sqlite:, postgres:// or mysql://')
  }
}

const withoutPassword = (url: string) => url.replace(/\/\/[^/]*@/, '//').replace(/\?.*$/s, '')

/** Node reports several refused addresses as one AggregateError with an empty message. */
function reason(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reason).join(', ')
  return error instanceof Error ? error.message : String(error)
}
