import { type Kysely, sql } from 'kysely'
import type { Database } from './connect.ts'
import type { Schema } from './schema.ts'

/** What is counted, by its name in the table. */
export type CounterName = 'tasks'

/** Changes a kept count by some; part of the transaction that makes or removes what is counted, and best its last statement. */
export async function addToCounter(
  database: Pick<Database, 'facts'>,
  query: Kysely<Schema>,
  { owner, name }: { owner: string; name: CounterName },
  change: number,
): Promise<void> {
  const ending = database.facts.addToExisting(['owner', 'name'], 'counter', 'value')
  await query.insertInto('counter').values({ owner, name, value: change }).modifyEnd(ending).execute()
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
