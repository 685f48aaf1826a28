import type { Kysely } from 'kysely'
import { addToCounters } from '../db/counter.ts'
import type { Schema } from '../db/schema.ts'
import type { Reserved } from '../tasks/task-account.ts'
import { insertTask, type TaskRecord } from '../tasks/task-table.ts'
import type { Gateway } from './gateway.ts'

/** Writes a new task down, with everything by which it is found and counted; part of a transaction. */
export async function keepTask(
  { database, search }: Pick<Gateway, 'database' | 'search'>,
  query: Kysely<Schema>,
  task: TaskRecord,
  reserved?: Reserved,
): Promise<void> {
  await insertTask(query, task, reserved)
  await search.add(query, { id: task.id, owner: task.owner, text: task.job.prompt })
  await addToCounters(database, query, [{ owner: task.owner, name: 'tasks', change: 1 }])
}
