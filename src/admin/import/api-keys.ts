import { readFile } from 'node:fs/promises'
import type { Clock } from '../../base/clock.ts'
import { newId } from '../../base/id.ts'
import type { Database } from '../../db/connect.ts'
import { listTables, type Row, type Value, writeRows } from '../../db/rows.ts'
import { recordsIn } from './gallery.ts'
import { timeOf } from './record.ts'

export interface ImportKeysParts {
  database: Database
  clock: Clock
  /** How a key is hashed where keys are looked up. */
  hash(secret: string): string
}

/** What became of the keys of a file. No key is in it. */
export interface ImportedKeys {
  added: number
  /** Were here before. */
  present: number
  /** Without anything that can be a key. */
  unreadable: number
  /** Names of those that are short enough to be guessed. */
  short: string[]
  /** Fields of the file that have no place here. */
  dropped: string[]
}

/** Longest that is shown again as the beginning of a key, and shortest that nobody guesses. */
const PREFIX = 7
const SAFE_LENGTH = 20

/** Takes over the keys of an `api_keys.json`: a list of records or a map from keys to records, perhaps under `keys`. */
export async function importKeys(parts: ImportKeysParts, path: string): Promise<ImportedKeys> {
  const document: unknown = JSON.parse(await readFile(path, 'utf8'))
  const result: ImportedKeys = { added: 0, present: 0, unreadable: 0, short: [], dropped: [] }
  const dropped = new Set<string>()
  const { database } = parts
  const table = (await listTables(database.query, database)).find(({ name }) => name === 'api_key')
  if (table === undefined) throw new Error('there is no table of API keys')
  for (const [key, record] of recordsIn(document, 'keys')) {
    const fields = typeof record === 'object' && record !== null ? (record as Fields) : {}
    const secret = secretOf(key, record, fields)
    if (secret === undefined) {
      result.unreadable += 1
      continue
    }
    const hash = parts.hash(secret)
    if (await isThere(database, hash)) {
      result.present += 1
      continue
    }
    const name = nameOf(fields)
    const { row, left } = toRow({ ...fields, hash, secret, name }, table.columns, parts.clock.now())
    await writeRows(database.query, table, [row])
    result.added += 1
    for (const field of left) dropped.add(field)
    if (secret.length < SAFE_LENGTH) result.short.push(name)
  }
  return { ...result, dropped: [...dropped].sort() }
}

type Fields = Readonly<Record<string, unknown>>

function secretOf(key: string | undefined, record: unknown, fields: Fields): string | undefined {
  const given = fields.key ?? fields.api_key ?? fields.token ?? key ?? record
  return typeof given === 'string' && /^[\x21-\x7e]{4,512}$/.test(given) ? given : undefined
}

async function isThere({ query }: Database, hash: string): Promise<boolean> {
  return (await query.selectFrom('api_key').select('id').where('hash', '=', hash).execute()).length > 0
}

const nameOf = ({ name, note, description }: Fields): string =>
  [name, note, description, 'imported key']
    .find((text) => typeof text === 'string' && text !== '')
    ?.toString()
    .slice(0, 255) ?? ''

/** Limits by the columns that hold them, with the names that they have elsewhere. */
const LIMITS: Readonly<Record<string, readonly string[]>> = {
  daily_limit: ['daily_limit', 'daily_quota'],
  monthly_limit: ['monthly_limit', 'monthly_quota'],
  rpm: ['rpm', 'rate_limit'],
}

/** The columns that there are here; what else was given is named. */
function toRow(
  fields: Fields & { hash: string; secret: string; name: string },
  columns: readonly string[],
  now: number,
): { row: Row; left: string[] } {
  const isOff = fields.enabled === false || fields.is_active === false || fields.disabled === true
  const values: Record<string, Value> = {
    id: newId(),
    name: fields.name,
    hash: fields.hash,
    prefix: fields.secret.slice(0, PREFIX),
    suffix: fields.secret.slice(-4),
    created_at: timeOf(fields.created_at) ?? now,
    disabled_at: isOff ? now : null,
    last_used_at: timeOf(fields.last_used_at ?? fields.last_used) ?? null,
    expires_at: timeOf(fields.expires_at) ?? null,
    note: typeof fields.note === 'string' ? fields.note : null,
    models: Array.isArray(fields.models) && fields.models.length > 0 ? JSON.stringify(fields.models) : null,
  }
  for (const [column, names] of Object.entries(LIMITS)) {
    const limit = names.map((name) => fields[name]).find((value) => Number.isSafeInteger(value))
    // Nothing, or less, means no limit there.
    values[column] = typeof limit === 'number' && limit > 0 ? limit : null
  }
  const left = Object.keys(values).filter((name) => !columns.includes(name) && values[name] !== null)
  return {
    row: Object.fromEntries(columns.map((name) => [name, values[name] ?? null])),
    left: left.filter((name) => name !== 'suffix'),
  }
}
