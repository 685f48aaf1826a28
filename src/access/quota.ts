import { type Kysely, sql } from 'kysely'
import { dayIn, endOfDay, endOfMonth } from '../base/day.ts'
import { AppError } from '../base/error.ts'
import type { Database } from '../db/connect.ts'
import type { Schema } from '../db/schema.ts'
import { insertIgnore } from '../db/upsert.ts'

/** Most pictures that a key may have; undefined for any number. */
export interface Limits {
  /** In a calendar day. */
  daily?: number | undefined
  /** In a calendar month. */
  monthly?: number | undefined
}

/** When something happens, and where its day begins and ends. */
export interface Moment {
  /** ms since the epoch. */
  now: number
  timeZone: string
}

/** Who has pictures, and under which limits. */
export interface Holder {
  owner: string
  limits: Limits
}

type Facts = Pick<Database, 'facts'>
type Query = Kysely<Schema>

/**
 * Takes pictures out of what a key may have, of the day and of the month, or of neither; part of a transaction, which must
 * fail with it, and best its last statement. One conditional update for each is what decides, so processes may race.
 *
 * @returns the day; its pictures are given back to it, and to its month
 * @throws AppError `daily_limit_reached`, `monthly_limit_reached`
 */
export async function reservePictures(
  database: Facts,
  query: Query,
  { owner, limits }: Holder,
  pictures: number,
  moment: Moment,
): Promise<string> {
  const day = dayIn(moment.timeZone, moment.now)
  for (const { period, limit, refusal } of windowsOf(day, limits)) {
    if (!(await take(database, query, { owner, period }, pictures, limit))) throw refusal(limit, moment)
  }
  return day
}

/** Whether a key may still have any picture, where nobody knows yet whether one will come. @throws like {@link reservePictures} */
export async function checkQuota(query: Query, { owner, limits }: Holder, moment: Moment): Promise<void> {
  if (limits.daily === undefined && limits.monthly === undefined) return
  const day = dayIn(moment.timeZone, moment.now)
  const used = await readUsed(query, [owner], day)
  const { today = 0, month = 0 } = used.get(owner) ?? {}
  const [ofDay, ofMonth] = windowsOf(day, limits)
  if (limits.daily !== undefined && today >= limits.daily) throw ofDay.refusal(limits.daily, moment)
  if (limits.monthly !== undefined && month >= limits.monthly) throw ofMonth.refusal(limits.monthly, moment)
}

/** Counts pictures that came without having been reserved, whatever the limits; part of a transaction. */
export async function chargePictures(
  database: Facts,
  query: Query,
  owner: string,
  pictures: number,
  day: string,
): Promise<void> {
  const ending = database.facts.addToExisting(['owner', 'period'], 'key_quota', 'used')
  for (const { period } of windowsOf(day, {})) {
    await query.insertInto('key_quota').values({ owner, period, used: pictures }).modifyEnd(ending).execute()
  }
}

/** Gives pictures back to the day that they were reserved in, and to its month; part of a transaction. */
export async function giveBackPictures(
  query: Query,
  owner: string,
  pictures: number,
  day: string,
): Promise<void> {
  for (const { period } of windowsOf(day, {})) {
    await query
      .updateTable('key_quota')
      .set({ used: sql`case when used > ${pictures} then used - ${pictures} else 0 end` })
      .where('owner', '=', owner)
      .where('period', '=', period)
      .execute()
  }
}

/** Pictures that a key has had or reserved. */
export interface Used {
  today: number
  month: number
}

/** What keys have used at a day (`YYYY-MM-DD`) and in its month; those that have used nothing are not in it. */
export async function readUsed(
  query: Query,
  owners: readonly string[],
  day: string,
): Promise<ReadonlyMap<string, Used>> {
  const used = new Map<string, Used>()
  if (owners.length === 0) return used
  const rows = await query
    .selectFrom('key_quota')
    .selectAll()
    .where('owner', 'in', owners)
    .where('period', 'in', [day, monthOf(day)])
    .execute()
  for (const { owner, period, used: count } of rows) {
    const before = used.get(owner) ?? { today: 0, month: 0 }
    used.set(owner, period === day ? { ...before, today: count } : { ...before, month: count })
  }
  return used
}

interface Window {
  period: string
  limit: number | undefined
  refusal(limit: number | undefined, moment: Moment): AppError
}

/** Always the day first: who waits for a row must not hold one that another waits for. */
const windowsOf = (day: string, { daily, monthly }: Limits): [Window, Window] => [
  {
    period: day,
    limit: daily,
    refusal: (limit, { now, timeZone }) =>
      refused('daily_limit_reached', limit, endOfDay(timeZone, now) - now),
  },
  {
    period: monthOf(day),
    limit: monthly,
    refusal: (limit, { now, timeZone }) =>
      refused('monthly_limit_reached', limit, endOfMonth(timeZone, now) - now),
  },
]

const monthOf = (day: string): string => day.slice(0, 7)

const refused = (
  code: 'daily_limit_reached' | 'monthly_limit_reached',
  limit: number | undefined,
  wait: number,
) => new AppError(code, { values: { max: limit ?? '' }, retryAfter: wait / 1000 })

/** The row is there but for the first picture of a period. */
async function take(
  database: Facts,
  query: Query,
  row: { owner: string; period: string },
  pictures: number,
  limit: number | undefined,
): Promise<boolean> {
  if (await raise(query, row, pictures, limit)) return true
  await insertIgnore(database, query, 'key_quota', { ...row, used: 0 })
  return raise(query, row, pictures, limit)
}

async function raise(
  query: Query,
  { owner, period }: { owner: string; period: string },
  pictures: number,
  limit: number | undefined,
): Promise<boolean> {
  const update = query
    .updateTable('key_quota')
    .set({ used: sql`used + ${pictures}` })
    .where('owner', '=', owner)
    .where('period', '=', period)
  const within = limit === undefined ? update : update.where('used', '<=', limit - pictures)
  const { numUpdatedRows } = await within.executeTakeFirst()
  return numUpdatedRows > 0n
}
