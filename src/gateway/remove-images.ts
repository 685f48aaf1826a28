import type { Kysely } from 'kysely'
import { addToCounters } from '../db/counter.ts'
import type { Schema } from '../db/schema.ts'
import { changesOf, type Removed, removeAnyImages, removeImages } from '../library/trash.ts'
import { lowerCompleted } from '../tasks/task-table.ts'
import type { Gateway } from './gateway.ts'

/**
 * Deletes pictures of an owner, and their tasks count that many less, both or neither. From then on nobody sees them; the
 * bytes stay in the trash for a while.
 *
 * @returns what was deleted; ids that are none, or another owner's, are not among it
 */
export const removeOwnImages = (
  gateway: Gateway,
  owner: string,
  ids: readonly string[],
): Promise<Removed[]> => remove(gateway, (query) => removeImages(gateway.library, query, owner, ids))

/** The same for pictures of whatever owner, for the admin; some thousand ids at a time. */
export const removeImagesOfAnyone = (gateway: Gateway, ids: readonly string[]): Promise<Removed[]> =>
  remove(gateway, (query) => removeAnyImages(gateway.library, query, ids))

const remove = (
  { database }: Gateway,
  discard: (query: Kysely<Schema>) => Promise<Removed[]>,
): Promise<Removed[]> =>
  database.query.transaction().execute(async (query) => {
    const removed = await discard(query)
    const byTask = Map.groupBy(removed, ({ taskId }) => taskId)
    // In order, or two removals could each wait for the other.
    for (const taskId of [...byTask.keys()].sort()) {
      await lowerCompleted(query, taskId, byTask.get(taskId)?.length ?? 0)
    }
    await addToCounters(database, query, changesOf(removed))
    return removed
  })
