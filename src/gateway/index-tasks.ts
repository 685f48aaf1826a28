import { upsert } from '../db/upsert.ts'
import { toTask } from '../tasks/task-table.ts'
import type { Gateway } from './gateway.ts'

/** Where the last id that was looked at is kept; all of them, when it is {@link DONE}. */
const SETTING = 'search_indexed_until'
const DONE = 'done'

/** Tasks of one transaction. */
const BATCH = 200

type Indexing = Pick<Gateway, 'database' | 'search'>

/** Makes tasks searchable that are older than the search itself, once. May be cut anywhere, and goes on at the next start. */
export async function indexOlderTasks(gateway: Indexing, signal: AbortSignal): Promise<void> {
  const { query } = gateway.database
  const row = await query.selectFrom('setting').select('value').where('name', '=', SETTING).executeTakeFirst()
  for (let last = row?.value ?? ''; last !== DONE && !signal.aborted; ) last = await indexSome(gateway, last)
}

/** Makes all tasks searchable, where rows came from another database and the search is empty. */
export async function indexAllTasks(gateway: Indexing, signal: AbortSignal): Promise<void> {
  await gateway.database.query.deleteFrom('setting').where('name', '=', SETTING).execute()
  await indexOlderTasks(gateway, signal)
}

/** Goes on behind an id; how far it came. */
function indexSome({ database, search }: Indexing, last: string): Promise<string> {
  return database.query.transaction().execute(async (query) => {
    const rows = await query
      .selectFrom('task')
      .selectAll()
      .where('id', '>', last)
      .where('deleted_at', 'is', null)
      .orderBy('id')
      .limit(BATCH)
      .execute()
    for (const { id, owner, job } of rows.map(toTask))
      await search.add(query, { id, owner, text: job.prompt })
    const until = rows.length < BATCH ? DONE : (rows.at(-1)?.id ?? DONE)
    await upsert(database, query, 'setting', { name: SETTING, value: until }, ['name'])
    return until
  })
}
