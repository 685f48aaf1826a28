import { createHash } from 'node:crypto'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Database } from './connect.ts'
import type { Schema } from './schema.ts'

/**
 * A table as whoever moves all rows needs to know it. Found by asking the database, so that a table that comes later is moved
 * along without anybody having to think of it.
 */
export interface Table {
  name: string
  /** In the order of their names, which is the same on every engine. */
  columns: readonly string[]
  /** Primary key. */
  key: readonly string[]
}

/** Every column is a number or a text. */
export type Value = number | string | null
export type Row = Readonly<Record<string, Value>>

type Query = Kysely<Schema>

/** All tables with rows of their own. The search index is made from other rows, and which migrations have run is no row to move. */
export async function listTables(
  query: Query,
  { facts }: Pick<Database, 'facts'>,
): Promise<readonly Table[]> {
  const found = await query.introspection.getTables()
  const own = found.filter(({ name, isView }) => !isView && !/^(search|kysely)_/.test(name))
  const tables: Table[] = []
  for (const { name, columns } of own.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const { rows } = await facts.primaryKey(name).execute(query)
    if (rows.length === 0) throw new Error(`the table ${name} has no primary key`)
    tables.push({
      name,
      columns: columns.map((column) => column.name).sort(),
      key: rows.map((column) => column.name),
    })
  }
  return tables
}

/** Some rows may hold megabytes, so that few are in memory at once. */
const PAGE = 100

/** All rows of a table in the order of its primary key, in pages. */
export async function* readRows(query: Query, table: Table): AsyncGenerator<readonly Row[]> {
  const columns = sql.join(table.columns.map((name) => sql.ref(name)))
  const order = sql.join(table.key.map((name) => sql.ref(name)))
  let last: Row | undefined
  do {
    const { rows }: { rows: Row[] } = await sql<Row>`select ${columns} from ${sql.table(table.name)}
      ${last === undefined ? sql`` : sql`where ${behind(table.key, last)}`} order by ${order} limit ${PAGE}`.execute(
      query,
    )
    if (rows.length > 0) yield rows
    last = rows.length === PAGE ? rows.at(-1) : undefined
  } while (last !== undefined)
}

/** Spelled out, because MySQL finds no place in an index by `(a, b) > (1, 2)`. */
function behind(key: readonly string[], row: Row): RawBuilder<unknown> {
  const steps = key.map((name, index) => {
    const same = key.slice(0, index).map((before) => sql`${sql.ref(before)} = ${row[before]}`)
    return sql`(${sql.join([...same, sql`${sql.ref(name)} > ${row[name]}`], sql` and `)})`
  })
  return sql`(${sql.join(steps, sql` or `)})`
}

export async function countRows(query: Query, table: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`.execute(
    query,
  )
  return Number(rows[0]?.count ?? 0)
}

/** So much goes into one statement, in characters: MySQL takes 16 MiB by default. */
const STATEMENT = 2 * 1024 * 1024

/** Adds rows that all have the same columns. @throws an error that names the table and the first row of the statement */
export async function writeRows(query: Query, { name, key }: Table, rows: readonly Row[]): Promise<void> {
  for (const some of inStatements(rows)) {
    const [first] = some
    if (first === undefined) continue
    const names = Object.keys(first)
    const values = some.map((row) => sql`(${sql.join(names.map((column) => row[column]))})`)
    const statement = sql`insert into ${sql.table(name)} (${sql.join(names.map((column) => sql.ref(column)))})
      values ${sql.join(values)}`
    try {
      await statement.execute(query)
    } catch (cause) {
      const place = key.map((column) => `${column} ${JSON.stringify(first[column])}`).join(', ')
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`the table ${name} does not take the ${some.length} rows from ${place} on: ${reason}`, {
        cause,
      })
    }
  }
}

function* inStatements(rows: readonly Row[]): Generator<readonly Row[]> {
  let some: Row[] = []
  let length = 0
  for (const row of rows) {
    some.push(row)
    for (const value of Object.values(row)) length += typeof value === 'string' ? value.length : 1
    if (length < STATEMENT) continue
    yield some
    some = []
    length = 0
  }
  yield some
}

/** A row as a line of JSON, the same on every engine. */
export function toLine({ name, columns }: Table, row: Row): string {
  for (const column of columns) {
    const value = row[column]
    if (value === null || typeof value === 'string' || Number.isSafeInteger(value)) continue
    throw new Error(`${name}.${column} holds a ${typeof value} that cannot be moved`)
  }
  return JSON.stringify(Object.fromEntries(columns.map((column) => [column, row[column]])))
}

/** Says whether two tables have the same rows, in whatever order they come. */
export interface Checksum {
  add(line: string): void
  /** Hex. */
  digest(): string
}

export function createChecksum(): Checksum {
  const sum = Buffer.alloc(32)
  return {
    add: (line) => {
      const hash = createHash('sha256').update(line).digest()
      for (const [index, byte] of hash.entries()) sum[index] = (sum[index] ?? 0) ^ byte
    },
    digest: () => sum.toString('hex'),
  }
}

/** How many rows a table has, and their checksum. */
export async function sumOf(query: Query, table: Table): Promise<{ rows: number; checksum: string }> {
  const checksum = createChecksum()
  let count = 0
  for await (const rows of readRows(query, table)) {
    for (const row of rows) checksum.add(toLine(table, row))
    count += rows.length
  }
  return { rows: count, checksum: checksum.digest() }
}
