import type { Kysely } from 'kysely'
import { isId } from '../base/id.ts'
import { chunked } from '../db/chunked.ts'
import type { CounterChange } from '../db/counter.ts'
import type { Schema } from '../db/schema.ts'
import type { Library } from './library.ts'

/** A picture that is in the trash now. */
export interface Removed {
  id: string
  taskId: string
  owner: string
  bytes: number
}

/** By how much removed pictures change the kept counts; for the end of the caller's transaction. */
export const changesOf = (removed: readonly Removed[]): CounterChange[] =>
  removed.flatMap(({ owner, bytes }) => [
    { owner, name: 'image_bytes', change: -bytes },
    { owner, name: 'images', change: -1 },
  ])

type Query = Kysely<Schema>

/**
 * Puts pictures of an owner into the trash, where no read finds them; `purge.ts` frees their bytes later. Part of the caller's
 * transaction, which adjusts the tasks and then the counts. Ids that are none, or another owner's, are passed over.
 *
 * @returns those that were there: of two removals at the same moment, one gets each picture
 */
export async function removeImages(
  library: Library,
  query: Query,
  owner: string,
  ids: readonly string[],
): Promise<Removed[]> {
  const removed: Removed[] = []
  for (const some of chunked([...new Set(ids)].filter(isId))) {
    removed.push(...(await discard(library, query, some, (row) => row.owner === owner)))
  }
  return removed
}

/** The same for pictures of whatever owner. */
export async function removeAnyImages(
  library: Library,
  query: Query,
  ids: readonly string[],
): Promise<Removed[]> {
  const removed: Removed[] = []
  for (const some of chunked([...new Set(ids)].filter(isId))) {
    removed.push(...(await discard(library, query, some, () => true)))
  }
  return removed
}

/** The same for all pictures of tasks that are removed themselves. */
export async function removeImagesOfTasks(
  library: Library,
  query: Query,
  taskIds: readonly string[],
): Promise<Removed[]> {
  const removed: Removed[] = []
  for (const some of chunked(taskIds, TASKS_AT_ONCE)) {
    const found = await query
      .selectFrom('image')
      .select('id')
      .where('task_id', 'in', some)
      .where('deleted_at', 'is', null)
      .execute()
    for (const ids of chunked(found.map(({ id }) => id))) {
      removed.push(...(await discard(library, query, ids, () => true)))
    }
  }
  return removed
}

/** Each has a hundred pictures at most. */
const TASKS_AT_ONCE = 100

/** Locks by primary key alone and in its order: writers that lock rows along different indexes can deadlock. */
async function discard(
  library: Library,
  query: Query,
  ids: readonly string[],
  isMeant: (row: { owner: string }) => boolean,
): Promise<Removed[]> {
  if (ids.length === 0) return []
  const rows = await query
    .selectFrom('image')
    .select(['id', 'task_id', 'owner', 'bytes', 'deleted_at'])
    .where('id', 'in', ids)
    .orderBy('id')
    .modifyEnd(library.database.facts.forUpdate)
    .execute()
  const found = rows.filter((row) => row.deleted_at === null && isMeant(row))
  if (found.length === 0) return []
  const doomed = found.map(({ id }) => id)
  await query
    .updateTable('image')
    .set({ deleted_at: library.clock.now() })
    .where('id', 'in', doomed)
    .execute()
  library.served.forget(doomed)
  return found.map(({ id, task_id: taskId, owner, bytes }) => ({ id, taskId, owner, bytes }))
}
