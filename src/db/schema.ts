import type { ColumnType } from 'kysely'
import type { TaskMode, TaskStatus } from '../../contract/task.ts'

/**
 * The tables as TypeScript. Times are ms since the epoch, JSON is text, ids are uuidv7 as text, hashes are hex.
 * Column types and indexes stand in `migrations/`.
 */
export interface Schema {
  api_key: ApiKeyTable
  key_quota: KeyQuotaTable
  usage_day: UsageDayTable
  admin: AdminTable
  session: SessionTable
  login_failure: LoginFailureTable
  setting: SettingTable
  task: TaskTable
  task_input: TaskInputTable
  counter: CounterTable
  translation: TranslationTable
  blob: BlobTable
  image: ImageTable
  job: JobTable
  account: AccountTable
  account_rest: AccountRestTable
}

export interface ApiKeyTable {
  id: string
  name: string
  hash: string
  /** The first letters of the key, so that its owner recognises it. */
  prefix: string
  /** The last ones; keys from before they were kept have none. */
  suffix: string | null
  images_format: string | null
  /** Pictures in a calendar day. */
  daily_limit: number | null
  /** Pictures in a calendar month. */
  monthly_limit: number | null
  /** Requests in a minute. */
  rpm: number | null
  /** JSON: the models that may be asked for. */
  models: string | null
  expires_at: number | null
  account_pool: string | null
  note: string | null
  created_at: number
  updated_at: number | null
  disabled_at: number | null
  last_used_at: number | null
}

/** Pictures that a key has had, or has reserved, in a period. */
export interface KeyQuotaTable {
  /** Id of the key. */
  owner: string
  /** A day as `YYYY-MM-DD` or a month as `YYYY-MM`. */
  period: string
  used: number
}

/** What an owner's requests of a day came to, for each model and provider. */
export interface UsageDayTable {
  /** `YYYY-MM-DD` in the time zone of the server. */
  day: string
  owner: string
  /** Public name. */
  model: string
  /** Empty where nobody was asked. */
  provider: string
  requests: number
  pictures: number
  /** Requests that failed. */
  errors: number
  input_tokens: number
  output_tokens: number
  /** Milliseconds of all requests together. */
  latency: number
  /** What is known to have been spent, in millionths of a US dollar. */
  cost: number
  /** Pictures, and chats without any, of which the price is not known; they are not in `cost`. */
  unpriced: number
}

/** Who may sign in; at most one row. */
export interface AdminTable {
  id: string
  username: string
  password_hash: string
  created_at: number
}

export interface SessionTable {
  hash: string
  admin_id: string | null
  created_at: number
  expires_at: number
}

/** Wrong passwords of late. */
export interface LoginFailureTable {
  /** A hash of who tried with which name. */
  who: string
  /** When, as a JSON list, oldest first. */
  times: string
  last_at: number
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
  /** Only accounts of this pool may be asked. */
  pool: string | null
  /** Pictures that its key has reserved for it and that have not come; null where no key counts. */
  reserved: number | null
  /** The day from whose and whose month's limit that is. */
  reserved_day: string | null
  /** Pictures that came and are not in the usage yet. */
  uncounted: number | null
}

/** How many there are of something that belongs to an owner, kept up to date with every change. */
export interface CounterTable {
  owner: string
  name: string
  value: number
}

/** A prompt that was translated before. The texts that it came from are not kept. */
export interface TranslationTable {
  /** Hash of the prompt and of how it was translated. */
  key: string
  /** Of the prompt, as a BCP 47 tag. */
  language: string
  translated: string
  created_at: number
  /** To the hour. */
  used_at: number
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
  /** Null where it is the same as `prompt`. */
  sent_prompt: string | null
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

/** A key or token for an upstream, with what is known of it. */
export interface AccountTable {
  id: string
  provider: string
  /** Only keys that are bound to the same pool use it; null for those that are bound to none. */
  pool: string | null
  /** From where the secret comes; only one that the admin API brought is kept here. */
  source: 'env' | 'file' | 'admin'
  /** Keyed hash of the secret, unique per provider. */
  fingerprint: string
  /** The secret, encrypted. */
  sealed: string | null
  /** A few characters of the secret, so that people recognise it. */
  masked: string
  weight: number
  priority: number
  /** Pictures a day; null for the limit of the provider, 0 for none. */
  daily_limit: number | null
  state: 'ready' | 'expired' | 'disabled'
  /** The day that `used_today` is about, as YYYY-MM-DD. */
  used_day: string
  used_today: number
  used_total: number
  failures: number
  last_error: string | null
  last_used_at: number | null
  created_at: number
}

/** Until when an account is not asked for a model, and why. */
export interface AccountRestTable {
  account_id: string
  model: string
  until: number
  /** Kind of the failure, as in `providers/provider-error.ts`. */
  kind: string
  detail: string
}
