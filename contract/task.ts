import type { ImageJob, Warning } from './job.ts'

/** `partial`: some pictures came, others failed. The last four are final. */
export type TaskStatus = 'queued' | 'running' | 'completed' | 'partial' | 'failed' | 'cancelled'

export const FINAL_STATUSES: readonly TaskStatus[] = ['completed', 'partial', 'failed', 'cancelled']

/** `sync`: a client holds the line. `async`: the queue runs it, also after a restart. */
export type TaskMode = 'sync' | 'async'

/** One accepted request, whatever the surface. Times in ms since the epoch. */
export interface Task {
  id: string
  mode: TaskMode
  owner: string
  status: TaskStatus
  job: ImageJob
  total: number
  completed: number
  failed: number
  warnings: readonly Warning[]
  /** Tokens or cost as the upstream counted them, added up over its calls. */
  usage: Readonly<Record<string, unknown>> | undefined
  webhookUrl: string | undefined
  createdAt: number
  finishedAt: number | undefined
}
