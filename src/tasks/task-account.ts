import { type Kysely, sql } from 'kysely'
import type { Facts } from '../db/facts.ts'
import type { Schema } from '../db/schema.ts'

type Query = Kysely<Schema>

/** Pictures that a task has reserved of what its key may have. */
export interface Reserved {
  pictures: number
  /** The day that they were taken from, as `YYYY-MM-DD`. */
  day: string
}

/** What its key and the usage have still to be told of a task. */
export interface TaskAccount {
  /** Pictures reserved that did not come; below 0, that came after its end; null where no key counts. */
  reserved: number | null
  reservedDay: string | null
  /** Pictures that came and are not in the usage. */
  uncounted: number
  startedAt: number | null
}

/** Reads the account of a task so that nobody changes it before the transaction ends; the end of the task closes it. */
export async function lockAccount(query: Query, facts: Facts, id: string): Promise<TaskAccount | undefined> {
  const row = await query
    .selectFrom('task')
    .select(['reserved', 'reserved_day', 'uncounted', 'started_at'])
    .where('id', '=', id)
    .modifyEnd(facts.forUpdate)
    .executeTakeFirst()
  return (
    row && {
      reserved: row.reserved,
      reservedDay: row.reserved_day,
      uncounted: row.uncounted ?? 0,
      startedAt: row.started_at,
    }
  )
}

/** Closes the account of a task that had ended before. */
export async function clearAccount(query: Query, id: string): Promise<void> {
  await query.updateTable('task').set(SETTLED).where('id', '=', id).execute()
}

/** What the end of a task leaves of its account. Null stays null: no key counts. */
export const SETTLED = { reserved: sql<number | null>`reserved * 0`, uncounted: null }
