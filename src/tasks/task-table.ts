import { type Kysely, type Selectable, sql } from 'kysely'
import type { Task, TaskStatus } from '../../contract/task.ts'
import { AppError, type StoredError } from '../base/error.ts'
import type { Schema, TaskTable } from '../db/schema.ts'
import { type Reserved, SETTLED } from './task-account.ts'

/** A task with what only the server needs to know of it. */
export interface TaskRecord extends Task {
  error: AppError | undefined
  idempotencyKey: string | undefined
  /** Hash of all that the caller sent, to tell a repeated request from another one under the same key. */
  requestHash: string
  /** The caller's own upstream key, sealed; gone when the task ends. */
  credential: string | undefined
  /** The pool of accounts that its caller was bound to. */
  pool: string | undefined
}

type Query = Kysely<Schema>

export async function insertTask(query: Query, task: TaskRecord, reserved?: Reserved): Promise<void> {
  await query
    .insertInto('task')
    .values({
      id: task.id,
      mode: task.mode,
      owner: task.owner,
      status: task.status,
      job: JSON.stringify(task.job),
      total: task.total,
      completed: 0,
      failed: 0,
      error: null,
      warnings: null,
      usage_json: null,
      idempotency_key: task.idempotencyKey ?? null,
      request_hash: task.requestHash,
      webhook_url: task.webhookUrl ?? null,
      created_at: task.createdAt,
      started_at: task.status === 'running' ? task.createdAt : null,
      finished_at: null,
      deleted_at: null,
      credential: task.credential ?? null,
      pool: task.pool ?? null,
      reserved: reserved?.pictures ?? null,
      reserved_day: reserved?.day ?? null,
      uncounted: null,
    })
    .execute()
}

/** One task of this owner that is not deleted. */
export async function findTask(query: Query, owner: string, id: string): Promise<TaskRecord | undefined> {
  const row = await query
    .selectFrom('task')
    .selectAll()
    .where('id', '=', id)
    .where('owner', '=', owner)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row && toTask(row)
}

/** One task whoever owns it: for the worker that runs it. */
export async function findTaskToRun(query: Query, id: string): Promise<TaskRecord | undefined> {
  const row = await query.selectFrom('task').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toTask(row)
}

export async function findRepeated(
  query: Query,
  owner: string,
  key: string,
): Promise<TaskRecord | undefined> {
  const row = await query
    .selectFrom('task')
    .selectAll()
    .where('owner', '=', owner)
    .where('idempotency_key', '=', key)
    .executeTakeFirst()
  return row && toTask(row)
}

/** Writes down what a running task came to know about its job. */
export async function setJob(query: Query, { id, job }: Pick<Task, 'id' | 'job'>): Promise<void> {
  await query
    .updateTable('task')
    .set({ job: JSON.stringify(job) })
    .where('id', '=', id)
    .execute()
}

/** Marks a queued task as running; false when it was cancelled or finished in the meantime. */
export async function startTask(query: Query, id: string, now: number): Promise<boolean> {
  const result = await query
    .updateTable('task')
    .set({ status: 'running', started_at: now })
    .where('id', '=', id)
    .where('status', 'in', ['queued', 'running'])
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Puts a task that did not bring all of its pictures back to its beginning; false when it is not in such a state. */
export async function restartTask(
  query: Query,
  id: string,
  credential: string | undefined,
  reserved?: Reserved,
): Promise<boolean> {
  const result = await query
    .updateTable('task')
    .set({
      status: 'queued',
      failed: 0,
      error: null,
      finished_at: null,
      credential: credential ?? null,
      reserved: reserved?.pictures ?? null,
      reserved_day: reserved?.day ?? null,
    })
    .where('id', '=', id)
    .where('status', 'in', ['partial', 'failed', 'cancelled'])
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/**
 * Counts pictures of a running task that have arrived, or will not be asked for again; false when it was deleted meanwhile.
 * What has arrived is no longer reserved: it has been had.
 */
export async function countPictures(
  query: Query,
  id: string,
  { completed = 0, failed = 0 }: { completed?: number; failed?: number },
): Promise<boolean> {
  const result = await query
    .updateTable('task')
    .set({
      completed: sql`completed + ${completed}`,
      failed: sql`failed + ${failed}`,
      ...(completed === 0
        ? {}
        : { reserved: sql`reserved - ${completed}`, uncounted: sql`coalesce(uncounted, 0) + ${completed}` }),
    })
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Pictures that accepted async tasks have still to bring, those under way included. */
export async function countUnfinished(query: Query): Promise<number> {
  const row = await query
    .selectFrom('task')
    .select(sql<number | null>`sum(total - completed - failed)`.as('pictures'))
    .where('status', 'in', ['queued', 'running'])
    .where('mode', '=', 'async')
    .executeTakeFirst()
  return row?.pictures ?? 0
}

/** What a run came to. */
export interface TaskResult {
  status: TaskStatus
  completed: number
  failed: number
  warnings: Task['warnings']
  usage: Task['usage']
  error: AppError | undefined
  /** Nothing came and nothing may have been paid: the same request under the same idempotency key may run again. */
  repeatable?: boolean
  /** How many pictures it was after all, where that was not known at its beginning. */
  total?: number
}

/** Writes the result of a run, once: a task that is already final (cancelled, say) stays as it is. */
export async function finishTask(
  query: Query,
  id: string,
  result: TaskResult,
  now: number,
): Promise<boolean> {
  const written = await query
    .updateTable('task')
    .set({
      status: result.status,
      completed: result.completed,
      failed: result.failed,
      warnings: JSON.stringify(result.warnings),
      usage_json: result.usage ? JSON.stringify(result.usage) : null,
      error: result.error ? JSON.stringify(result.error) : null,
      finished_at: now,
      credential: null,
      ...SETTLED,
      ...(result.repeatable ? { idempotency_key: null } : {}),
      ...(result.total === undefined ? {} : { total: result.total }),
    })
    .where('id', '=', id)
    .where('status', 'in', ['queued', 'running'])
    .executeTakeFirst()
  return written.numUpdatedRows > 0n
}

/** Pictures of a task were deleted; never below 0, whatever was counted before. */
export async function lowerCompleted(query: Query, id: string, by: number): Promise<void> {
  await query
    .updateTable('task')
    .set({ completed: sql`case when completed > ${sql.lit(by)} then completed - ${sql.lit(by)} else 0 end` })
    .where('id', '=', id)
    .execute()
}

/** Tasks of a mode that are not finished, oldest first, created before `before`. */
export async function unfinishedTasks(
  query: Query,
  mode: Task['mode'],
  before: number,
  limit: number,
): Promise<TaskRecord[]> {
  const rows = await query
    .selectFrom('task')
    .selectAll()
    .where('status', 'in', ['queued', 'running'])
    .where('mode', '=', mode)
    .where('created_at', '<', before)
    .orderBy('created_at')
    .limit(limit)
    .execute()
  return rows.map(toTask)
}

/** A row as a task. */
export function toTask(row: Selectable<TaskTable>): TaskRecord {
  return {
    id: row.id,
    mode: row.mode,
    owner: row.owner,
    status: row.status,
    job: JSON.parse(row.job),
    total: row.total,
    completed: row.completed,
    failed: row.failed,
    warnings: row.warnings ? JSON.parse(row.warnings) : [],
    usage: row.usage_json ? JSON.parse(row.usage_json) : undefined,
    error: row.error ? AppError.fromJSON(JSON.parse(row.error) as StoredError) : undefined,
    webhookUrl: row.webhook_url ?? undefined,
    idempotencyKey: row.idempotency_key ?? undefined,
    requestHash: row.request_hash ?? '',
    createdAt: row.created_at,
    finishedAt: row.finished_at ?? undefined,
    credential: row.credential ?? undefined,
    pool: row.pool ?? undefined,
  }
}
