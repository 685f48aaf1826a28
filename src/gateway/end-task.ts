import type { Kysely } from 'kysely'
import type { Cost } from '../access/prices.ts'
import { chargePictures, giveBackPictures } from '../access/quota.ts'
import type { UsageEntry } from '../access/usage.ts'
import { dayIn } from '../base/day.ts'
import { AppError } from '../base/error.ts'
import type { Schema } from '../db/schema.ts'
import { clearAccount, lockAccount, type TaskAccount } from '../tasks/task-account.ts'
import { finishTask, type TaskRecord, type TaskResult } from '../tasks/task-table.ts'
import type { Gateway } from './gateway.ts'
import { type Drawn, tokensOf } from './tally.ts'

type Query = Kysely<Schema>
type Ending = Pick<Gateway, 'database' | 'usage' | 'prices' | 'settings'>

export interface TaskEnd {
  result: TaskResult
  /** ms since the epoch. */
  now: number
  /** What was brought, said by the run itself. Absent for who ends a task from outside: what a run costs is then still to be told. */
  drawn?: readonly Drawn[] | undefined
}

/**
 * Writes the end of a task, and in the same transaction settles what goes with it: pictures that its key has reserved and did
 * not get are given back, and the usage grows. Of several that end a task one does so; a run that comes later only adds what
 * it has brought since.
 *
 * @returns whether it was this one that ended the task
 */
export const endTask = (gateway: Gateway, task: TaskRecord, end: TaskEnd): Promise<boolean> =>
  gateway.database.query.transaction().execute((query) => endTaskWithin(gateway, query, task, end))

/** The end of a task that is stopped from outside. */
export function cancelled(task: TaskRecord): TaskResult {
  const failed = task.total - task.completed
  return { ...task, status: 'cancelled', failed, error: new AppError('job_cancelled') }
}

/** The same as part of a transaction. */
export async function endTaskWithin(
  gateway: Ending,
  query: Query,
  task: TaskRecord,
  end: TaskEnd,
): Promise<boolean> {
  const account = await lockAccount(query, gateway.database.facts, task.id)
  if (account === undefined) return false
  const isEnded = await finishTask(query, task.id, end.result, end.now)
  if (!isEnded) await clearAccount(query, task.id)
  await settleQuota(gateway, query, task, account, isEnded ? end.result.failed : undefined)
  for (const entry of usageOf(gateway, task, account, isEnded, end)) await gateway.usage.add(query, entry)
  return isEnded
}

/**
 * What is reserved and will not come goes back; below 0 are pictures that came after the end was written.
 * @param failed pictures that did not come; undefined where the end was written before
 */
async function settleQuota(
  { database }: Ending,
  query: Query,
  { owner }: TaskRecord,
  { reserved, reservedDay }: TaskAccount,
  failed: number | undefined,
): Promise<void> {
  if (reserved === null || reservedDay === null) return
  // A picture that nobody asked for may stand in for one that did not come.
  const back = Math.min(reserved, failed ?? 0)
  if (back > 0) await giveBackPictures(query, owner, back, reservedDay)
  if (back < 0) await chargePictures(database, query, owner, -back, reservedDay)
}

function usageOf(
  gateway: Ending,
  task: TaskRecord,
  account: TaskAccount,
  isEnded: boolean,
  { result, now, drawn }: TaskEnd,
): UsageEntry[] {
  const day = dayIn(gateway.settings.timeZone, now)
  const common = { day, owner: task.owner, model: task.job.model }
  let left = account.uncounted
  const entries = (drawn?.length ? drawn : [NOBODY]).map((one) => {
    const pictures = Math.min(left, one.pictures.length)
    left -= pictures
    return {
      ...common,
      provider: one.provider,
      pictures,
      ...tokensOf(one.usage),
      ...costOf(gateway, task, one),
    }
  })
  const main = entries.reduce((best, one) => (one.pictures > best.pictures ? one : best))
  // What came in a run that was cut off is there, and what it cost nobody knows any more.
  main.pictures += left
  if (drawn) main.unpriced += left
  if (isEnded) {
    const latency = account.startedAt === null ? 0 : now - account.startedAt
    Object.assign(main, { requests: 1, errors: result.status === 'failed' ? 1 : 0, latency })
  }
  return entries.filter((one) => Object.values(one).some((value) => typeof value === 'number' && value > 0))
}

const NOBODY: Drawn = { provider: '', model: '', pictures: [], usage: undefined }

/** What a caller's own key pays for costs nothing here. */
function costOf({ prices }: Ending, { credential }: TaskRecord, { pictures, usage, model }: Drawn): Cost {
  if (credential !== undefined || (pictures.length === 0 && usage === undefined))
    return { cost: 0, unpriced: 0 }
  return prices.costOf({ model, pictures, usage })
}
