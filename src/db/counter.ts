import { type Kysely, sql } from 'kysely'
import type { Database } from './connect.ts'
import type { Schema } from './schema.ts'

/**
 * What is counted, by its name in the table: tasks and pictures that are not deleted, the bytes of those pictures, and the
 * bytes that lie in the storage of originals, once for each file, on account of whoever brought them first.
 */
export type CounterName = 'blob_bytes' | 'image_bytes' | 'images' | 'tasks'

export interface CounterChange {
  owner: string
  name: CounterName
  change: number
}

/**
 * Changes kept counts; part of the transaction that makes or removes what is counted, and best its last statement. In an
 * order of their own, and who changes several does it in that order too, or two transactions could each wait for the other.
 */
export async function addToCounters(
  database: Pick<Database, 'facts'>,
  query: Kysely<Schema>,
  changes: readonly CounterChange[],
): Promise<void> {
  const sums = new Map<string, CounterChange>()
  for (const { owner, name, change } of changes) {
    const key = `${owner} ${name}`
    sums.set(key, { owner, name, change: (sums.get(key)?.change ?? 0) + change })
  }
  const rows = [...sums]
    .filter(([, { change }]) => change !== 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { owner, name, change }]) => ({ owner, name, value: change }))
  if (rows.length === 0) return
  const ending = database.facts.addToExisting(['owner', 'name'], 'counter', 'value')
  await query.insertInto('counter').values(rows).modifyEnd(ending).execute()
}

/** A kept count; without an owner, of everyone together. */
export async function readCounter(
  query: Kysely<Schema>,
  { owner, name }: { owner?: string | undefined; name: CounterName },
): Promise<number> {
  const counters = query.selectFrom('counter').where('name', '=', name)
  const own = owner === undefined ? counters : counters.where('owner', '=', owner)
  const row = await own.select(sql<number | null>`sum(value)`.as('sum')).executeTakeFirst()
  return Math.max(0, row?.sum ?? 0)
}
