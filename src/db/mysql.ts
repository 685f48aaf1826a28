import { MysqlDialect } from 'kysely'
import { createPool, type PoolConnection } from 'mysql2'

/** Kysely's dialect over a small pool of connections, for MySQL 8 and MariaDB. */
export function mysqlDialect(url: string, poolSize: number): MysqlDialect {
  const pool = createPool({
    uri: url,
    connectionLimit: poolSize,
    maxIdle: poolSize,
    idleTimeout: 60_000,
    connectTimeout: 10_000,
    enableKeepAlive: true,
    charset: 'utf8mb4_bin',
    timezone: 'Z',
    supportBigNumbers: true,
    decimalNumbers: true,
  })
  pool.on('connection', prepareSession)
  return new MysqlDialect({ pool })
}

/**
 * Strict, so that what does not fit is an error and never cut. READ COMMITTED, because REPEATABLE READ locks the gaps
 * between rows too, over which writers of different rows deadlock.
 */
const SESSION = [
  `set session sql_mode = 'STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'`,
  `set session time_zone = '+00:00'`,
  'set session transaction isolation level read committed',
]

/** The connection answers in order, so this has run before its first query. */
function prepareSession(connection: PoolConnection): void {
  for (const statement of SESSION) {
    connection.query(statement, (error) => {
      if (error) connection.destroy()
    })
  }
  // The pool drops a connection that broke while idle; without a listener the event would end the process.
  connection.on('error', () => {})
}
