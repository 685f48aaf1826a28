import { PostgresDialect } from 'kysely'
import { Pool, types } from 'pg'

/** Kysely's dialect over a small pool of connections. */
export function postgresDialect(url: string, poolSize: number): PostgresDialect {
  const pool = new Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    types: { getTypeParser },
  })
  // The pool replaces a connection that broke while idle; without a listener the event would end the process.
  pool.on('error', () => {})
  return new PostgresDialect({ pool })
}

/** Counts, sums and times arrive as text by default; all of ours fit a number. */
const getTypeParser: typeof types.getTypeParser = (type: number, format?: 'text' | 'binary') =>
  NUMBERS.has(type) ? Number : types.getTypeParser(type, format)

const NUMBERS: ReadonlySet<number> = new Set([types.builtins.INT8, types.builtins.NUMERIC])
