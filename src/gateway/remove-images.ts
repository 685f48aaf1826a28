import type { Kysely } from 'kysely'
import { chunked } from '../db/chunked.ts'
import type { Schema } from '../db/schema.ts'
import { type Removed, removeAnyImages, removeImages } from '../library/trash.ts'
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
): Promise<Removed[]> => removing(gateway, (query) => removeImages(gateway.library, query, owner, ids))

/** The same whoever the pictures belong to, for the operator; how many were there. */
export async function removeImagesOfAnyone(gateway: Gateway, ids: readonly string[]): Promise<number> {
  let count = 0
  for (const some of chunked(ids, 200)) {
    count += (await removing(gateway, (query) => removeAnyImages(gateway.library, query, some))).length
  }
  return count
}

const removing = (
  { database }: Gateway,
  remove: (query: Kysely<Schema>) => Promise<Removed[]>,
): Promise<Removed[]> =>
  database.query.transaction().execute(async (query) => {
    const removed = await remove(query)
    const byTask = Map.groupBy(removed, ({ taskId }) => taskId)
    // In order, or two removals could each wait for the other.
    for (const taskId of [...byTask.keys()].sort()) {
      await lowerCompleted(query, taskId, byTask.get(taskId)?.length ?? 0)
    }
    return removed
  })
