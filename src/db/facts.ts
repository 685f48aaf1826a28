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
  /** Ends an `insert` so that a row with the same keys takes the new values. */
  replaceExisting(keys: readonly string[], columns: readonly string[]): RawBuilder<unknown>
}

const onConflict: Pick<Facts, 'keepExisting' | 'replaceExisting'> = {
  keepExisting: () => sql`on conflict do nothing`,
  replaceExisting: (keys, columns) =>
    sql`on conflict (${list(keys)}) do update set ${assignments(columns, (name) => sql`excluded.${sql.ref(name)}`)}`,
}

/** `insert ignore` would also turn errors into warnings and takes a weaker lock, over which two writers deadlock. */
const onDuplicateKey: Pick<Facts, 'keepExisting' | 'replaceExisting'> = {
  keepExisting: (columns) =>
    sql`on duplicate key update ${assignments(columns.slice(0, 1), (name) => sql.ref(name))}`,
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
  },
  postgres: {
    varchar: (length) => sql`varchar(${sql.lit(length)}) collate "C"`,
    text: sql`text`,
    tableOptions: sql``,
    inlineIndexes: false,
    forUpdate: sql`for update`,
    ...onConflict,
  },
  mysql: {
    varchar: (length) => sql`varchar(${sql.lit(length)})`,
    text: sql`longtext`,
    tableOptions: sql`engine = InnoDB character set utf8mb4 collate utf8mb4_bin`,
    inlineIndexes: true,
    forUpdate: sql`for update`,
    ...onDuplicateKey,
  },
}

const list = (columns: readonly string[]) => sql.join(columns.map((name) => sql.ref(name)))

function assignments(columns: readonly string[], value: (name: string) => RawBuilder<unknown>) {
  return sql.join(columns.map((name) => sql`${sql.ref(name)} = ${value(name)}`))
}
