import type { Task } from '../../contract/task.ts'
import { newId } from '../base/id.ts'
import type { TaskRecord } from './task-table.ts'

/** What a task begins with; everything else about it is yet to come. */
export interface TaskBeginning extends Pick<Task, 'mode' | 'owner' | 'job' | 'createdAt'> {
  idempotencyKey?: string | undefined
  /** Only looked at where there is an idempotency key. */
  requestHash?: string | undefined
  webhookUrl?: string | undefined
  /** How many pictures of the job are accepted; default all. */
  total?: number | undefined
  /** The pool of accounts that its caller is bound to. */
  pool?: string | undefined
}

/** A task at its beginning: one that a client waits for runs at once, any other waits in the queue. */
export function newTask(beginning: TaskBeginning): TaskRecord {
  const {
    mode,
    owner,
    job,
    createdAt,
    idempotencyKey,
    requestHash = '',
    webhookUrl,
    total = job.n,
    pool,
  } = beginning
  return {
    id: newId(),
    mode,
    owner,
    status: mode === 'sync' ? 'running' : 'queued',
    job,
    total,
    completed: 0,
    failed: 0,
    warnings: [],
    usage: undefined,
    error: undefined,
    idempotencyKey,
    requestHash,
    webhookUrl,
    createdAt,
    finishedAt: undefined,
    credential: undefined,
    pool,
  }
}
