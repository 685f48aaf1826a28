import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import {
  type DialectAdapter,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  type SqliteStatement,
} from 'kysely'
import { LRUCache } from 'lru-cache'

/** Kysely's dialect over the SQLite that is built into Node. `path` may be `:memory:`. */
export const sqliteDialect = (path: string): SqliteDialect =>
  new EmbeddedDialect({ database: async () => openSqlite(path) })

/** How long a statement waits for another process that writes, in ms. It blocks this process, so it is a last resort. */
const BUSY_TIMEOUT = 10_000

/**
 * WAL with NORMAL never damages the file, and readers don't wait for the writer; a power cut may take the last
 * transactions, a killed process takes none. The cache grows with use up to 16 MiB.
 */
const PRAGMAS = `
  pragma journal_mode = wal;
  pragma synchronous = normal;
  pragma cache_size = -16384;
  pragma journal_size_limit = 67108864;
`

/** Enough for every statement of the program; `in` lists of changing length push each other out. */
const KEPT_STATEMENTS = 256

class EmbeddedDialect extends SqliteDialect {
  override createAdapter(): DialectAdapter {
    return new TransactionalDdlAdapter()
  }
}

/** SQLite can roll back `create table`; the write lock that a transaction takes lets only one process migrate. */
class TransactionalDdlAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

function openSqlite(path: string): SqliteDatabase {
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT, enableForeignKeyConstraints: true })
  database.exec(PRAGMAS)
  const statements = new LRUCache<string, SqliteStatement>({ max: KEPT_STATEMENTS })
  const prepare = (text: string): SqliteStatement => {
    const known = statements.get(text)
    if (known !== undefined) return known
    const statement = toStatement(database, writeLocked(text))
    statements.set(text, statement)
    return statement
  }
  return { prepare, close: () => database.close() }
}

/** A transaction that reads first and then writes could not wait for its turn: SQLite refuses it at once. */
const writeLocked = (text: string) => (text === 'begin' ? 'begin immediate' : text)

function toStatement(database: DatabaseSync, text: string): SqliteStatement {
  const statement = database.prepare(text)
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...bindable(parameters)),
    run: (parameters) =>
      isRolledBack(database, text) ? NOTHING_CHANGED : statement.run(...bindable(parameters)),
    // A statement has one cursor, so a slow reader gets a statement of its own.
    iterate: (parameters) => iterate(database.prepare(text), parameters),
  }
}

/** After some errors, a full disk among them, SQLite has rolled back by itself, and to do it again is an error of its own. */
const isRolledBack = (database: DatabaseSync, text: string) => text === 'rollback' && !database.isTransaction

const NOTHING_CHANGED = { changes: 0, lastInsertRowid: 0 }

function iterate(statement: StatementSync, parameters: readonly unknown[]): IterableIterator<unknown> {
  return statement.iterate(...bindable(parameters))
}

function bindable(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters.map((value) => {
    if (isBindable(value)) return value
    throw new TypeError(`a ${typeof value} cannot be a parameter of a statement`)
  })
}

function isBindable(value: unknown): value is SQLInputValue {
  return value === null || BINDABLE.has(typeof value) || ArrayBuffer.isView(value)
}

const BINDABLE: ReadonlySet<string> = new Set(['string', 'number', 'bigint'])
