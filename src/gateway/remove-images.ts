import { type Removed, removeImages } from '../library/trash.ts'
import { lowerCompleted } from '../tasks/task-table.ts'
import type { Gateway } from './gateway.ts'

/**
 * Deletes pictures of an owner, and their tasks count that many less, both or neither. From then on nobody sees them; the
 * bytes stay in the trash for a while.
 *
 * @returns what was deleted; ids that are none, or another owner's, are not among it
 */
export const removeOwnImages = (
  { database, library }: Gateway,
  owner: string,
  ids: readonly string[],
): Promise<Removed[]> =>
  database.query.transaction().execute(async (query) => {
    const removed = await removeImages(library, query, owner, ids)
    const byTask = Map.groupBy(removed, ({ taskId }) => taskId)
    // In order, or two removals could each wait for the other.
    for (const taskId of [...byTask.keys()].sort()) {
      await lowerCompleted(query, taskId, byTask.get(taskId)?.length ?? 0)
    }
    return removed
  })
