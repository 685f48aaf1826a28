import { type Kysely, type Selectable, sql } from 'kysely'
import { chunked } from '../../db/chunked.ts'
import type { JobTable, Schema } from '../../db/schema.ts'
import type { QueueDepth } from './queue.ts'

type Query = Kysely<Schema>

/** A job in the hands of a worker. Whoever took it over later has another worker or another attempt. */
export interface Claim {
  id: string
  worker: string
  attempt: number
}

/** A job that may be claimed. */
export type WaitingJob = Pick<Selectable<JobTable>, 'id' | 'payload' | 'attempts' | 'max_attempts'>

/** Jobs that may run now, oldest first. */
export function findWaiting(query: Query, queue: string, now: number, limit: number): Promise<WaitingJob[]> {
  return query
    .selectFrom('job')
    .select(['id', 'payload', 'attempts', 'max_attempts'])
    .where('queue', '=', queue)
    .where('state', '=', 'waiting')
    .where('run_at', '<=', now)
    .orderBy('run_at')
    .orderBy('created_at')
    .orderBy('id')
    .limit(limit)
    .execute()
}

/**
 * Takes a job; undefined when another worker was faster. The update is the check, on every engine alike. All writes
 * here go by primary key: writers that lock rows along different indexes can deadlock.
 */
export async function claimJob(
  query: Query,
  job: WaitingJob,
  worker: string,
  leaseUntil: number,
): Promise<Claim | undefined> {
  const attempt = job.attempts + 1
  const result = await query
    .updateTable('job')
    .set({ state: 'running', attempts: attempt, worker, lease_until: leaseUntil })
    .where('id', '=', job.id)
    .where('state', '=', 'waiting')
    .where('attempts', '=', job.attempts)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n ? { id: job.id, worker, attempt } : undefined
}

/** What is done is gone. */
export async function finishJob(query: Query, claim: Claim): Promise<void> {
  await query
    .deleteFrom('job')
    .where('id', '=', claim.id)
    .where('state', '=', 'running')
    .where('worker', '=', claim.worker)
    .where('attempts', '=', claim.attempt)
    .execute()
}

/** How a job goes on that was not finished. */
export type Unfinished =
  | { state: 'waiting'; run_at: number; error?: string }
  | { state: 'failed'; error: string }

/** Puts a job out of its worker's hands; nothing happens when it is no longer in them. */
export async function releaseJob(query: Query, claim: Claim, next: Unfinished): Promise<void> {
  await query
    .updateTable('job')
    .set({ ...next, worker: null, lease_until: null })
    .where('id', '=', claim.id)
    .where('state', '=', 'running')
    .where('worker', '=', claim.worker)
    .where('attempts', '=', claim.attempt)
    .execute()
}

/** Prolongs the leases of a worker and returns the ids of those jobs that are still its own. */
export async function renewLeases(
  query: Query,
  worker: string,
  ids: readonly string[],
  leaseUntil: number,
): Promise<Set<string>> {
  const own = new Set<string>()
  for (const some of chunked(ids)) {
    await query
      .updateTable('job')
      .set({ lease_until: leaseUntil })
      .where('id', 'in', some)
      .where('worker', '=', worker)
      .execute()
    const rows = await query
      .selectFrom('job')
      .select('id')
      .where('id', 'in', some)
      .where('worker', '=', worker)
      .execute()
    for (const { id } of rows) own.add(id)
  }
  return own
}

/** A job that some worker holds. */
export interface HeldJob extends Claim {
  maxAttempts: number
  leaseUntil: number
}

/** The jobs of a queue that are in the hands of any worker of any process. */
export async function findHeld(query: Query, queue: string): Promise<HeldJob[]> {
  const rows = await query
    .selectFrom('job')
    .select(['id', 'worker', 'attempts', 'max_attempts', 'lease_until'])
    .where('queue', '=', queue)
    .where('state', '=', 'running')
    .limit(10_000)
    .execute()
  return rows.map((row) => ({
    id: row.id,
    worker: row.worker ?? '',
    attempt: row.attempts,
    maxAttempts: row.max_attempts,
    leaseUntil: row.lease_until ?? 0,
  }))
}

export async function removeJob(query: Query, id: string): Promise<boolean> {
  const result = await query
    .deleteFrom('job')
    .where('id', '=', id)
    .where('state', '!=', 'running')
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}

export async function countJobs(query: Query): Promise<Record<string, QueueDepth>> {
  const rows = await query
    .selectFrom('job')
    .select(['queue', 'state', sql<number>`count(*)`.as('count')])
    .groupBy(['queue', 'state'])
    .execute()
  const depths: Record<string, QueueDepth> = {}
  for (const { queue, state, count } of rows) {
    depths[queue] = { waiting: 0, running: 0, failed: 0, ...depths[queue], [state]: count }
  }
  return depths
}
