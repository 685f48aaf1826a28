import { type RawBuilder, sql } from 'kysely'

export type Engine = 'sqlite' | 'postgres' | 'mysql'

/** In what the engines differ, by name, so that nobody asks which engine it is. */
export interface Facts {
  /** Short text of any language, compared character by character (MySQL overlooks spaces at the end). */
  varchar(length: number): RawBuilder<string>
  /** Text of any length, compared likewise. */
  text: RawBuilder<string>
  /** What stands behind the last bracket of `create table`. */
  tableOptions: RawBuilder<unknown>
  /**
   * Indexes are made within `create table`. For engines that cannot roll that statement back: a migration that was
   * cut in the middle can then run again, since every one of its statements is `if not exists`.
   */
  inlineIndexes: boolean
  /** Ends a `select` of a transaction so that no other one changes its rows; where writers take turns anyway, nothing. */
  forUpdate: RawBuilder<unknown>
  /** Ends an `insert` so that a row which is there already stays as it is. */
  keepExisting(columns: readonly string[]): RawBuilder<unknown>
  /** Ends an `insert` so that the values of a row with the same keys grow by the new ones. */
  addToExisting(keys: readonly string[], table: string, ...columns: readonly string[]): RawBuilder<unknown>
  /** Ends an `insert` so that a row with the same keys takes the new values. */
  replaceExisting(keys: readonly string[], columns: readonly string[]): RawBuilder<unknown>
  /** Makes the tables of a full-text index, as `src/search/` uses them. Each statement may run again. */
  createSearchTables(name: string): RawBuilder<unknown>[]
  /** Begin a transaction that sees the database as it is now, whatever others write meanwhile, and holds nobody up. */
  beginSnapshot: readonly RawBuilder<unknown>[]
  /** Selects the columns of a table's primary key in their order, each as `name`. */
  primaryKey(table: string): RawBuilder<{ name: string }>
}

type Endings = Pick<Facts, 'keepExisting' | 'addToExisting' | 'replaceExisting'>

const onConflict: Endings = {
  keepExisting: () => sql`on conflict do nothing`,
  addToExisting: (keys, table, ...columns) =>
    sql`on conflict (${list(keys)}) do update set ${assignments(columns, (name) => sql`${sql.ref(`${table}.${name}`)} + ${sql.ref(`excluded.${name}`)}`)}`,
  replaceExisting: (keys, columns) =>
    sql`on conflict (${list(keys)}) do update set ${assignments(columns, (name) => sql`excluded.${sql.ref(name)}`)}`,
}

/** `insert ignore` would also turn errors into warnings and takes a weaker lock, over which two writers deadlock. */
const onDuplicateKey: Endings = {
  keepExisting: (columns) =>
    sql`on duplicate key update ${assignments(columns.slice(0, 1), (name) => sql.ref(name))}`,
  addToExisting: (_keys, _table, ...columns) =>
    sql`on duplicate key update ${assignments(columns, (name) => sql`${sql.ref(name)} + values(${sql.ref(name)})`)}`,
  replaceExisting: (_keys, columns) =>
    sql`on duplicate key update ${assignments(columns, (name) => sql`values(${sql.ref(name)})`)}`,
}

export const FACTS: Record<Engine, Facts> = {
  sqlite: {
    varchar: (length) => sql`varchar(${sql.lit(length)})`,
    text: sql`text`,
    tableOptions: sql``,
    inlineIndexes: false,
    forUpdate: sql``,
    ...onConflict,
    createSearchTables: fts5,
    // The snapshot is taken by the first read.
    beginSnapshot: [sql`begin deferred`, sql`select count(*) from sqlite_schema`],
    primaryKey: (table) => sql`select name from pragma_table_info(${table}) where pk > 0 order by pk`,
  },
  postgres: {
    varchar: (length) => sql`varchar(${sql.lit(length)}) collate "C"`,
    text: sql`text`,
    tableOptions: sql``,
    inlineIndexes: false,
    forUpdate: sql`for update`,
    ...onConflict,
    createSearchTables: tsvector,
    beginSnapshot: [sql`begin isolation level repeatable read read only`, sql`select 1`],
    primaryKey: (table) => sql`select attname as name from pg_index
      join pg_attribute on attrelid = indrelid and attnum = any(indkey)
      where indrelid = ${table}::regclass and indisprimary order by array_position(indkey, attnum)`,
  },
  mysql: {
    varchar: (length) => sql`varchar(${sql.lit(length)})`,
    text: sql`longtext`,
    tableOptions: sql`engine = InnoDB character set utf8mb4 collate utf8mb4_bin`,
    inlineIndexes: true,
    forUpdate: sql`for update`,
    ...onDuplicateKey,
    createSearchTables: fulltext,
    beginSnapshot: [
      sql`set transaction isolation level repeatable read`,
      sql`start transaction with consistent snapshot, read only`,
    ],
    primaryKey: (table) => sql`select column_name as name from information_schema.key_column_usage
      where table_schema = database() and table_name = ${table} and constraint_name = 'PRIMARY' order by ordinal_position`,
  },
}

const list = (columns: readonly string[]) => sql.join(columns.map((name) => sql.ref(name)))

function assignments(columns: readonly string[], value: (name: string) => RawBuilder<unknown>) {
  return sql.join(columns.map((name) => sql`${sql.ref(name)} = ${value(name)}`))
}

/**
 * FTS5 knows texts by number and keeps no copy of them; `autoincrement`, so that no number is used twice. What is read of
 * thousands of texts at once is a table of its own, so that it lies close together. Small pages (`pgsz`, in bytes) let the index
 * skip more of a long list. https://sqlite.org/fts5.html
 */
function fts5(name: string): RawBuilder<unknown>[] {
  const words = sql.ref(`${name}_words`)
  const options = sql`content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'`
  return [
    sql`create table if not exists ${sql.ref(name)} (number integer primary key autoincrement, id text not null unique)`,
    sql`create table if not exists ${sql.ref(`${name}_counts`)} (number integer primary key,
      owner integer not null, counts text not null)`,
    sql`create virtual table if not exists ${words} using fts5(words, ${options})`,
    sql`insert into ${words} (${words}, rank) values ('pgsz', 1000)`,
  ]
}

/** Without `fastupdate` the index is always in order: else a search reads through a list of what came last. */
function tsvector(name: string): RawBuilder<unknown>[] {
  return [
    sql`create table if not exists ${sql.ref(name)} (number bigint generated always as identity primary key,
      id varchar(36) collate "C" not null unique, words tsvector not null)`,
    sql`create index if not exists ${sql.ref(`${name}_words`)} on ${sql.ref(name)} using gin (words) with (fastupdate = off)`,
  ]
}

function fulltext(name: string): RawBuilder<unknown>[] {
  return [
    sql`create table if not exists ${sql.ref(name)} (number bigint not null auto_increment primary key,
      id varchar(36) not null unique, words longtext not null, fulltext (words)) ${FACTS.mysql.tableOptions}`,
  ]
}
