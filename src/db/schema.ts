import type { ColumnType } from 'kysely'
import type { TaskMode, TaskStatus } from '../../contract/task.ts'

/**
 * The tables as TypeScript. Times are ms since the epoch, JSON is text, ids are uuidv7 as text, hashes are hex.
 * Column types and indexes stand in `migrations/`.
 */
export interface Schema {
  api_key: ApiKeyTable
  session: SessionTable
  setting: SettingTable
  task: TaskTable
  task_input: TaskInputTable
  counter: CounterTable
  blob: BlobTable
  image: ImageTable
  job: JobTable
}

export interface ApiKeyTable {
  id: string
  name: string
  hash: string
  /** The first letters of the key, so that its owner recognises it. */
  prefix: string
  images_format: string | null
  created_at: number
  disabled_at: number | null
  last_used_at: number | null
}

export interface SessionTable {
  hash: string
  created_at: number
  expires_at: number
}

export interface SettingTable {
  name: string
  value: string
}

export interface TaskTable {
  id: string
  mode: TaskMode
  owner: string
  status: TaskStatus
  /** The request as JSON. */
  job: string
  total: number
  completed: number
  failed: number
  /** JSON. */
  error: string | null
  /** JSON. */
  warnings: string | null
  /** JSON. */
  usage_json: string | null
  /** Unique per owner. */
  idempotency_key: string | null
  request_hash: string | null
  webhook_url: string | null
  created_at: number
  started_at: number | null
  finished_at: number | null
  deleted_at: number | null
  /** The caller's own upstream key, encrypted; gone when the task ends. */
  credential: string | null
}

/** How many there are of something that belongs to an owner, kept up to date with every change. */
export interface CounterTable {
  owner: string
  name: string
  value: number
}

/** A picture that a task was given. */
export interface TaskInputTable {
  task_id: string
  role: 'image' | 'mask'
  position: number
  sha256: string
}

/** Bytes that are kept once, however many pictures and inputs point at them. */
export interface BlobTable {
  sha256: string
  bytes: number
  mime: string
  width: number
  height: number
  reference_count: number
  /** Base64. */
  thumbhash: string | null
  /** 16 hex digits. */
  phash: string | null
  derived_at: number | null
  derive_error: string | null
  created_at: number
  /** See `library/objects/objects.ts`. */
  remote_state: Later<RemoteState | null>
  remote_error: Later<string | null>
  remote_attempts: Later<number | null>
  remote_at: Later<number | null>
  uploaded_at: Later<number | null>
  local_at: Later<number | null>
}

export type RemoteState = 'pending' | 'uploading' | 'uploaded' | 'failed' | 'deleting'

/** A column that may be left out of a new row. */
type Later<T> = ColumnType<T, T | undefined, T>

export interface ImageTable {
  id: string
  task_id: string
  position: number
  owner: string
  sha256: string
  provider: string
  /** Public name. */
  model: string
  upstream_model: string
  prompt: string
  revised_prompt: string | null
  seed: number | null
  width: number
  height: number
  bytes: number
  mime: string
  signature: string | null
  /** JSON. */
  details: string | null
  parent_id: string | null
  parent_kind: string | null
  created_at: number
  deleted_at: number | null
}

/** Work that waits or runs; what is done is deleted. */
export interface JobTable {
  id: string
  queue: string
  /** JSON. */
  payload: string
  state: 'waiting' | 'running' | 'failed'
  attempts: number
  max_attempts: number
  /** Not to be started before. */
  run_at: number
  /** Until then the worker is believed to be alive. */
  lease_until: number | null
  worker: string | null
  error: string | null
  created_at: number
}
