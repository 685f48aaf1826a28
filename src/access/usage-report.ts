import { type Kysely, sql } from 'kysely'
import { chunked } from '../db/chunked.ts'
import type { Schema } from '../db/schema.ts'
import { FIGURES } from './usage.ts'

/** By what usage may be added up. */
export const USAGE_GROUPS = ['day', 'model', 'key', 'provider'] as const
export type UsageGroup = (typeof USAGE_GROUPS)[number]

/** What requests came to. */
export interface UsageFigures {
  requests: number
  pictures: number
  /** Requests that failed. */
  errors: number
  inputTokens: number
  outputTokens: number
  /** Milliseconds of a request on average; null without requests. */
  latency: number | null
  /** US dollars; null where nothing is known of it. */
  cost: number | null
  /** Pictures, and chats without any, whose price is not known. */
  unpriced: number
}

export interface UsageRow extends UsageFigures {
  /** The day, the name of the model or provider, or the owner: id of a key, `environment` or `anyone`. */
  group: string
}

export interface UsageReport {
  /** Days in order, everything else with the most requests first; at most a thousand. */
  rows: UsageRow[]
  total: UsageFigures
}

export interface UsageRange {
  /** First and last day, `YYYY-MM-DD`. */
  from: string
  to: string
}

type Query = Kysely<Schema>

const MOST_ROWS = 1000

/** What was used in a range of days, added up by group. */
export async function usageReport(
  query: Query,
  { from, to, group }: UsageRange & { group: UsageGroup },
): Promise<UsageReport> {
  const column = group === 'key' ? 'owner' : group
  const rows = await sums(query, { from, to })
    .select(sql.ref<string>(column).as('group'))
    .groupBy(column)
    .orderBy(group === 'day' ? 'day' : 'requests', group === 'day' ? 'asc' : 'desc')
    .limit(MOST_ROWS)
    .execute()
  return {
    rows: rows.map(({ group, ...row }) => ({ group, ...toFigures(row) })),
    total: await usageTotal(query, { from, to }),
  }
}

/** What was used in a range of days by everyone. */
export async function usageTotal(query: Query, range: UsageRange): Promise<UsageFigures> {
  return toFigures((await sums(query, range).executeTakeFirst()) ?? {})
}

/** How many keys there are, and of those not disabled, how many have expired. `now` in ms since the epoch. */
export async function countKeys(
  query: Query,
  now: number,
): Promise<{ total: number; disabled: number; expired: number }> {
  const row = await query
    .selectFrom('api_key')
    .select([
      sql<number>`count(*)`.as('total'),
      sql<number | null>`sum(case when disabled_at is null then 0 else 1 end)`.as('disabled'),
      sql<number | null>`sum(case when disabled_at is null and expires_at <= ${now} then 1 else 0 end)`.as(
        'expired',
      ),
    ])
    .executeTakeFirstOrThrow()
  return { total: row.total, disabled: row.disabled ?? 0, expired: row.expired ?? 0 }
}

/** The names of those of the keys that there are, by their id. */
export async function keyNames(query: Query, ids: readonly string[]): Promise<Map<string, string>> {
  const names = new Map<string, string>()
  for (const some of chunked(ids)) {
    const rows = await query.selectFrom('api_key').select(['id', 'name']).where('id', 'in', some).execute()
    for (const { id, name } of rows) names.set(id, name)
  }
  return names
}

const sums = (query: Query, { from, to }: UsageRange) =>
  query
    .selectFrom('usage_day')
    .select(FIGURES.map((name) => sql<number | null>`sum(${sql.ref(name)})`.as(name)))
    .where('day', '>=', from)
    .where('day', '<=', to)

type Sums = Partial<Record<(typeof FIGURES)[number], number | null>>

function toFigures(row: Sums): UsageFigures {
  const [requests, cost, unpriced] = [row.requests ?? 0, row.cost ?? 0, row.unpriced ?? 0]
  return {
    requests,
    pictures: row.pictures ?? 0,
    errors: row.errors ?? 0,
    inputTokens: row.input_tokens ?? 0,
    outputTokens: row.output_tokens ?? 0,
    latency: requests === 0 ? null : Math.round((row.latency ?? 0) / requests),
    cost: cost === 0 && unpriced > 0 ? null : cost / 1e6,
    unpriced,
  }
}
