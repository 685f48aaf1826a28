import type { TaskRecord } from '../tasks/task-table.ts'
import type { Gateway } from './gateway.ts'
import { type Candidate, route } from './route.ts'

/** Who is asked for a task, preferred first. */
export function candidatesFor(gateway: Gateway, task: TaskRecord): readonly Candidate[] {
  return route(gateway, task.job).candidates
}
