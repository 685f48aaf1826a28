import type { Kysely } from 'kysely'
import { chunked } from '../db/chunked.ts'
import { addToCounters } from '../db/counter.ts'
import type { Schema } from '../db/schema.ts'
import { changesOf, removeImagesOfTasks } from '../library/trash.ts'
import { markDeleted } from '../tasks/history.ts'
import { findTaskToRun } from '../tasks/task-table.ts'
import { isFinal } from './accept.ts'
import { cancelled, endTaskWithin } from './end-task.ts'
import type { Gateway } from './gateway.ts'

/** Puts an owner's tasks into the trash with their pictures, and stops those that still run. Returns how many there were. */
export async function deleteTasks(gateway: Gateway, owner: string, ids: readonly string[]): Promise<number> {
  let deleted = 0
  for (const some of chunked([...new Set(ids)])) deleted += (await deleteSome(gateway, owner, some)).length
  return deleted
}

async function deleteSome(gateway: Gateway, owner: string, ids: readonly string[]): Promise<string[]> {
  const { database, library, search, cancellations, queue, clock } = gateway
  const gone = await database.query.transaction().execute(async (query) => {
    const found = await markDeleted(query, owner, ids, clock.now())
    const images = await removeImagesOfTasks(library, query, found)
    await search.remove(query, found)
    const tasks = { owner, name: 'tasks' as const, change: -found.length }
    await addToCounters(database, query, [...changesOf(images), tasks])
    for (const id of found) await endIfUnfinished(gateway, query, id)
    return found
  })
  for (const id of gone) {
    await queue.remove(id)
    cancellations.stop(id, 'cancelled')
  }
  return gone
}

/** Nobody will see what it still brings, so its key gets back what it has reserved. */
async function endIfUnfinished(gateway: Gateway, query: Kysely<Schema>, id: string): Promise<void> {
  const task = await findTaskToRun(query, id)
  if (task === undefined || isFinal(task)) return
  await endTaskWithin(gateway, query, task, { result: cancelled(task), now: gateway.clock.now() })
}
