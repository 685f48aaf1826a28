import { type Kysely, type Selectable, sql } from 'kysely'
import { chunked } from '../../db/chunked.ts'
import type { Database } from '../../db/connect.ts'
import type { AccountRestTable, AccountTable, Schema } from '../../db/schema.ts'
import { upsert } from '../../db/upsert.ts'

type Query = Kysely<Schema>

export type AccountRow = Selectable<AccountTable>

/** More accounts are not looked at. */
export const MOST_ACCOUNTS = 10_000

/** All accounts, the oldest first. */
export const loadAccounts = (query: Query): Promise<AccountRow[]> =>
  query.selectFrom('account').selectAll().orderBy('id').limit(MOST_ACCOUNTS).execute()

export const loadAccount = (query: Query, id: string): Promise<AccountRow | undefined> =>
  query.selectFrom('account').selectAll().where('id', '=', id).executeTakeFirst()

/** Adds accounts, each unless one with its fingerprint is there: that one stays as it is. */
export async function insertAccounts(database: Database, rows: readonly AccountTable[]): Promise<void> {
  for (const part of chunked(rows, 50)) {
    const ending = database.facts.keepExisting(Object.keys(part[0] ?? {}))
    await database.query
      .insertInto('account')
      .values([...part])
      .modifyEnd(ending)
      .execute()
  }
}

/** Pictures of one account on one day. */
export interface Portion {
  id: string
  pictures: number
  /** YYYY-MM-DD. */
  day: string
}

/**
 * Takes pictures out of what an account may still draw on a day; false when that is not enough, or the account may not be
 * used. The statement is the check, so no two processes can take the same picture.
 */
export async function takePictures(
  query: Query,
  { id, pictures, day }: Portion,
  { limit, now }: { limit: number; now: number },
): Promise<boolean> {
  if (pictures > limit) return false
  const result = await query
    .updateTable('account')
    .set({ ...usedOn(day, pictures), used_total: sql`used_total + ${pictures}`, last_used_at: now })
    .where('id', '=', id)
    .where('state', '=', 'ready')
    .where((where) => where.or([where('used_day', '<', day), where('used_today', '<=', limit - pictures)]))
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Gives back what was taken and not drawn; on another day only the total changes. A negative number was drawn beyond. */
export async function returnPictures(query: Query, { id, pictures, day }: Portion): Promise<void> {
  await query
    .updateTable('account')
    .set({
      used_today: sql`case when used_day = ${day} then used_today - ${pictures} else used_today end`,
      used_total: sql`used_total - ${pictures}`,
    })
    .where('id', '=', id)
    .execute()
}

/** What happened to an account since it was last written down. */
export interface Events {
  pictures: number
  failures: number
  lastError: string | undefined
  lastUsedAt: number | undefined
}

export async function addEvents(query: Query, id: string, day: string, events: Events): Promise<void> {
  const { pictures, failures, lastError, lastUsedAt } = events
  await query
    .updateTable('account')
    .set({
      ...(pictures === 0 ? {} : { ...usedOn(day, pictures), used_total: sql`used_total + ${pictures}` }),
      failures: sql`failures + ${failures}`,
      ...(lastError === undefined ? {} : { last_error: lastError }),
      ...(lastUsedAt === undefined ? {} : { last_used_at: lastUsedAt }),
    })
    .where('id', '=', id)
    .execute()
}

/** MySQL works from left to right with what it has just set, so the day comes last. */
const usedOn = (day: string, pictures: number) => ({
  used_today: sql<number>`case when used_day < ${day} then ${pictures} else used_today + ${pictures} end`,
  used_day: sql<string>`case when used_day < ${day} then ${day} else used_day end`,
})

/** Marks an account as refused by the upstream, unless it is out of use anyway. */
export async function expireAccount(query: Query, id: string): Promise<void> {
  await query
    .updateTable('account')
    .set({ state: 'expired' })
    .where('id', '=', id)
    .where('state', '=', 'ready')
    .execute()
}

/** Changes accounts. */
export async function updateAccounts(
  query: Query,
  ids: readonly string[],
  changes: Partial<AccountTable>,
): Promise<void> {
  for (const part of chunked(ids)) {
    await query.updateTable('account').set(changes).where('id', 'in', part).execute()
  }
}

export async function deleteAccounts(query: Query, ids: readonly string[]): Promise<void> {
  for (const part of chunked(ids)) {
    await query.deleteFrom('account').where('id', 'in', part).execute()
    await query.deleteFrom('account_rest').where('account_id', 'in', part).execute()
  }
}

/** Every account begins its day again, and none rests. */
export async function resetUsage(query: Query): Promise<void> {
  await query.updateTable('account').set({ used_today: 0, used_day: '' }).execute()
  await query.updateTable('account').set({ state: 'ready' }).where('state', '=', 'expired').execute()
  await query.deleteFrom('account_rest').execute()
}

export type RestRow = Selectable<AccountRestTable>

export const loadRests = (query: Query, now: number): Promise<RestRow[]> =>
  query.selectFrom('account_rest').selectAll().where('until', '>', now).limit(MOST_ACCOUNTS).execute()

export async function deleteOldRests(query: Query, now: number): Promise<void> {
  await query.deleteFrom('account_rest').where('until', '<=', now).execute()
}

/** Longest name of a model in a rest, in characters. */
const MODEL_LENGTH = 255

export const saveRest = (database: Database, rest: RestRow): Promise<void> =>
  upsert(database, database.query, 'account_rest', { ...rest, model: rest.model.slice(0, MODEL_LENGTH) }, [
    'account_id',
    'model',
  ])

export async function deleteRests(query: Query, ids: readonly string[]): Promise<void> {
  for (const part of chunked(ids)) {
    await query.deleteFrom('account_rest').where('account_id', 'in', part).execute()
  }
}
