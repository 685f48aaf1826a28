import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { type ForeignImages, readAll } from './gallery.ts'
import { readRecord } from './record.ts'

export interface PicGateDatabase extends ForeignImages, Disposable {}

type Row = Record<string, SQLOutputValue>

/** Names of the table with pictures, the likeliest first, and of one that says what they were asked with. */
const PICTURES = ['images', 'image', 'pictures', 'generated_images', 'image_records', 'files']
const TASKS = ['tasks', 'task', 'generations', 'generation_tasks']

/**
 * Opens a SQLite file of PicGate, or of another product that keeps rows of pictures, to be read only. What its tables and
 * columns are called is found out: see `record.ts` for the names that are understood. Where a picture says no prompt but names
 * a task, the task's row is asked.
 *
 * @throws where no table of pictures is found
 */
export function openPicGate(path: string): PicGateDatabase {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const pictures = findPictures(database)
    const taskOf = taskFinder(database)
    const found = readAll(rowsOf(database, pictures, taskOf))
    return { ...found, [Symbol.dispose]: () => database.close() }
  } catch (error) {
    database.close()
    throw error
  }
}

function* rowsOf(
  database: DatabaseSync,
  table: string,
  taskOf: (row: Row) => Row,
): Generator<[undefined, Row]> {
  // Plain numbers would be refused where they are larger than JavaScript's.
  const statement = database.prepare(`select * from ${quote(table)} order by rowid`)
  statement.setReadBigInts(true)
  for (const row of statement.iterate()) yield [undefined, numbered({ ...taskOf(row), ...filled(row) })]
}

/** JSON has no large integers, and what does not fit is an id or nothing that matters. */
const numbered = (row: Row): Row =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value !== 'bigint' ? value : Number.isSafeInteger(Number(value)) ? Number(value) : String(value),
    ]),
  )

const filled = (row: Row): Row =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))

function findPictures(database: DatabaseSync): string {
  const names = tablesOf(database)
  const known = PICTURES.filter((name) => names.includes(name))
  const others = names.filter((name) => !known.includes(name) && !TASKS.includes(name))
  const found = [...known, ...others].find((name) => namesFiles(database, name))
  if (found === undefined) throw new Error('no table with pictures was found: none has a column for a file')
  return found
}

/** Whether a row of the table could be read as a picture. */
function namesFiles(database: DatabaseSync, table: string): boolean {
  const columns = database.prepare(`select name from pragma_table_info(?)`).all(table)
  return readRecord(Object.fromEntries(columns.map(({ name }) => [String(name), 'x']))) !== undefined
}

/** The row of a picture's task, without what the picture must say itself. */
function taskFinder(database: DatabaseSync): (row: Row) => Row {
  const names = tablesOf(database)
  const table = TASKS.find((name) => names.includes(name))
  if (table === undefined) return () => ({})
  const statement = database.prepare(`select * from ${quote(table)} where id = ?`)
  return (row) => {
    const id = row.task_id ?? row.taskId
    if (id === null || id === undefined) return {}
    const { prompt, model, aspect_ratio: ratio } = statement.get(id) ?? {}
    return Object.fromEntries(
      Object.entries({ prompt, model, aspect_ratio: ratio }).filter(([, value]) => value !== undefined),
    ) as Row
  }
}

const tablesOf = (database: DatabaseSync): string[] =>
  database
    .prepare(`select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name`)
    .all()
    .map(({ name }) => String(name))

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`
