import type { Kysely } from 'kysely'
import { chunked } from '../db/chunked.ts'
import type { Schema } from '../db/schema.ts'
import { type TaskRecord, toTask } from './task-table.ts'

type Query = Kysely<Schema>

/** A part of an owner's tasks, newest first: from a place on, or those before an id. */
export interface HistoryRange {
  owner: string
  limit: number
  offset?: number | undefined
  before?: string | undefined
}

/** The tasks of a range, deleted ones left out. The index alone finds them, however far back they are. */
export async function listTasks(
  query: Query,
  { owner, limit, offset = 0, before }: HistoryRange,
): Promise<TaskRecord[]> {
  const all = query.selectFrom('task').select('id').where('owner', '=', owner).where('deleted_at', 'is', null)
  const range = before === undefined ? all.offset(offset) : all.where('id', '<', before)
  const rows = await range.orderBy('id', 'desc').limit(limit).execute()
  return findTasks(
    query,
    owner,
    rows.map(({ id }) => id),
  )
}

/** Those of an owner's tasks that there are, in the order of the ids. */
export async function findTasks(query: Query, owner: string, ids: readonly string[]): Promise<TaskRecord[]> {
  const found = new Map<string, TaskRecord>()
  for (const some of chunked(ids)) {
    const rows = await query
      .selectFrom('task')
      .selectAll()
      .where('id', 'in', some)
      .where('owner', '=', owner)
      .where('deleted_at', 'is', null)
      .execute()
    for (const row of rows) found.set(row.id, toTask(row))
  }
  return ids.flatMap((id) => found.get(id) ?? [])
}

/** Puts those of an owner's tasks that are not there yet into the trash; returns their ids. */
export async function markDeleted(
  query: Query,
  owner: string,
  ids: readonly string[],
  now: number,
): Promise<string[]> {
  const deleted: string[] = []
  for (const id of ids.toSorted()) {
    const { numUpdatedRows } = await query
      .updateTable('task')
      .set({ deleted_at: now })
      .where('id', '=', id)
      .where('owner', '=', owner)
      .where('deleted_at', 'is', null)
      .executeTakeFirst()
    if (numUpdatedRows > 0n) deleted.push(id)
  }
  return deleted
}
