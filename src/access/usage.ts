import type { Kysely } from 'kysely'
import type { Database } from '../db/connect.ts'
import type { Schema, UsageDayTable } from '../db/schema.ts'

/** What is added to the usage of a day. */
export interface UsageEntry {
  /** `YYYY-MM-DD`. */
  day: string
  owner: string
  /** Public name. */
  model: string
  /** Empty where nobody was asked. */
  provider: string
  requests?: number
  pictures?: number
  /** Requests that failed. */
  errors?: number
  inputTokens?: number
  outputTokens?: number
  /** Milliseconds. */
  latency?: number
  /** Millionths of a US dollar. */
  cost?: number
  /** Pictures, or chats without any, whose price is not known. */
  unpriced?: number
}

/** Counts what is used, in one row for each day, owner, model and provider. */
export interface Usage {
  /** Counts in the caller's transaction, best as its last statement. */
  add(query: Kysely<Schema>, entry: UsageEntry): Promise<void>
  /** Counts what must not wait for the database. Written with the next {@link flush}; a crash loses what is still to be written. */
  note(entry: UsageEntry): void
  /** Writes down what was noted. */
  flush(): Promise<void>
}

export function createUsage(database: Database): Usage {
  let noted = new Map<string, UsageDayTable>()
  let flushing: Promise<void> = Promise.resolve()

  const keep = (row: UsageDayTable) => {
    const key = keyOf(row)
    const before = noted.get(key)
    noted.set(key, before ? sumOf(before, row) : row)
  }

  async function write(): Promise<void> {
    const rows = [...noted.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    if (rows.length === 0) return
    noted = new Map()
    try {
      // In order, or two processes could each wait for the other.
      await database.query.transaction().execute(async (query) => {
        for (const row of rows) await addRow(database, query, row)
      })
    } catch (error) {
      for (const row of rows) keep(row)
      throw error
    }
  }

  return {
    add: (query, entry) => addRow(database, query, toRow(entry)),
    note: (entry) => keep(toRow(entry)),
    flush: () => {
      flushing = flushing.then(write, write)
      return flushing
    },
  }
}

/** The columns that say whose the figures are. */
const KEYS = ['day', 'owner', 'model', 'provider'] as const

/** The columns that add up. */
export const FIGURES = [
  'requests',
  'pictures',
  'errors',
  'input_tokens',
  'output_tokens',
  'latency',
  'cost',
  'unpriced',
] as const

async function addRow(database: Database, query: Kysely<Schema>, row: UsageDayTable): Promise<void> {
  const ending = database.facts.addToExisting(KEYS, 'usage_day', ...FIGURES)
  await query.insertInto('usage_day').values(row).modifyEnd(ending).execute()
}

const keyOf = (row: UsageDayTable): string => KEYS.map((name) => row[name]).join('\n')

function sumOf(before: UsageDayTable, more: UsageDayTable): UsageDayTable {
  const sum = { ...before }
  for (const name of FIGURES) sum[name] += more[name]
  return sum
}

function toRow(entry: UsageEntry): UsageDayTable {
  return {
    day: entry.day,
    owner: entry.owner,
    model: storable(entry.model),
    provider: entry.provider,
    requests: entry.requests ?? 0,
    pictures: entry.pictures ?? 0,
    errors: entry.errors ?? 0,
    input_tokens: entry.inputTokens ?? 0,
    output_tokens: entry.outputTokens ?? 0,
    latency: Math.max(0, Math.round(entry.latency ?? 0)),
    cost: entry.cost ?? 0,
    unpriced: entry.unpriced ?? 0,
  }
}

/** A caller may name a model of any length where the upstream has no list. */
const storable = (model: string): string => model.replaceAll('\0', '').slice(0, 255)
