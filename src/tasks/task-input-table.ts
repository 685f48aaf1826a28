import type { Kysely } from 'kysely'
import type { Schema } from '../db/schema.ts'

type Query = Kysely<Schema>

/** An input picture of a task: the role it plays and the name of its bytes. */
export interface TaskInput {
  role: 'image' | 'mask'
  position: number
  sha256: string
}

export async function insertInputs(
  query: Query,
  taskId: string,
  inputs: readonly TaskInput[],
): Promise<void> {
  if (inputs.length === 0) return
  await query
    .insertInto('task_input')
    .values(inputs.map((input) => ({ task_id: taskId, ...input })))
    .execute()
}

export function findInputs(query: Query, taskId: string): Promise<TaskInput[]> {
  return query
    .selectFrom('task_input')
    .select(['role', 'position', 'sha256'])
    .where('task_id', '=', taskId)
    .orderBy('position')
    .limit(100)
    .execute()
}
