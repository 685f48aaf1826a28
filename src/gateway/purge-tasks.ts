import { releaseBlob } from '../library/blob.ts'
import type { Purge } from '../library/purge.ts'
import type { Gateway } from './gateway.ts'

/** Tasks of one transaction, and so many batches in one go at most; the rest is for the next one. */
const BATCH = 50
const MOST_BATCHES = 1000

/**
 * Frees what was deleted long enough ago of tasks: their rows, and their hold on the pictures that they were given.
 * The pictures that they brought are in the trash by themselves.
 */
export async function purgeTasks(gateway: Gateway, { before, signal }: Purge): Promise<void> {
  for (let batch = 0; batch < MOST_BATCHES && !signal.aborted; batch += 1)
    if ((await purgeSome(gateway, before)) < BATCH) return
}

async function purgeSome({ database }: Gateway, before: number): Promise<number> {
  const found = await database.query
    .selectFrom('task')
    .select('id')
    .where('deleted_at', '<=', before)
    // Whoever still runs needs its row.
    .where('finished_at', 'is not', null)
    .limit(BATCH)
    .execute()
  const ids = found.map(({ id }) => id).sort()
  if (ids.length === 0) return 0
  await database.query.transaction().execute(async (query) => {
    // Locked first: of two purges, one releases.
    const { facts } = database
    const own = await query
      .selectFrom('task')
      .select('id')
      .where('id', 'in', ids)
      .orderBy('id')
      .modifyEnd(facts.forUpdate)
      .execute()
    const gone = own.map(({ id }) => id)
    if (gone.length === 0) return
    const inputs = await query
      .selectFrom('task_input')
      .select('sha256')
      .where('task_id', 'in', gone)
      .execute()
    for (const sha256 of inputs.map((input) => input.sha256).sort()) await releaseBlob(query, sha256)
    await query.deleteFrom('task_input').where('task_id', 'in', gone).execute()
    await query.deleteFrom('task').where('id', 'in', gone).execute()
  })
  return ids.length
}
