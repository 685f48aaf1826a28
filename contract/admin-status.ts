import { type Static, Type } from 'typebox'
import { UPSTREAM_MODES } from './settings.ts'

/*
 * How the server stands, for the admin.
 */

/** One key or token of an upstream, masked. */
export const AccountState = Type.Object({
  id: Type.String(),
  key_prefix: Type.String(),
  /** Pictures. */
  used_today: Type.Integer(),
  /** Pictures that may still be drawn today; null where there is no limit. */
  remaining: Type.Union([Type.Integer(), Type.Null()]),
  /** Ms since the epoch; null where it is not known. */
  last_used: Type.Union([Type.Integer(), Type.Null()]),
  state: Type.String(),
})
export type AccountState = Static<typeof AccountState>

export const AccountsState = Type.Object({
  total_keys: Type.Integer(),
  failed_count: Type.Integer(),
  strategy: Type.String(),
  /** Pictures of one account; null where there is no limit. */
  daily_limit: Type.Union([Type.Integer(), Type.Null()]),
  /** When a new day begins, in ms since the epoch; null where nothing is limited by day. */
  next_reset_timestamp: Type.Union([Type.Integer(), Type.Null()]),
  keys: Type.Array(AccountState),
})
export type AccountsState = Static<typeof AccountsState>

export const AdminStatus = Type.Object({
  service: Type.String(),
  version: Type.String(),
  uptime: Type.Integer({ description: 'Seconds since the start.' }),
  mode: Type.Enum([...UPSTREAM_MODES]),
  providers: Type.Array(
    Type.Object({
      name: Type.String(),
      in_use: Type.Boolean({ description: 'Whether the mode lets it be asked.' }),
      models: Type.Integer(),
      keys: Type.Integer(),
    }),
  ),
  accounts: AccountsState,
  queue: Type.Object({
    waiting: Type.Integer(),
    running: Type.Integer(),
    failed: Type.Integer(),
    workers: Type.Integer({ description: 'Calls that jobs of the queue may make at the same time.' }),
    limit: Type.Integer({ description: 'Pictures that may wait.' }),
  }),
  storage: Type.Object({
    type: Type.String(),
    total_images: Type.Integer(),
    total_size_bytes: Type.Integer(),
    disk_usage_bytes: Type.Integer(),
    free_bytes: Type.Union([Type.Integer(), Type.Null()]),
  }),
})
export type AdminStatus = Static<typeof AdminStatus>

export const StorageStats = Type.Object({
  total_images: Type.Integer(),
  local_images: Type.Integer({ description: 'Those that lie on the disk of the server.' }),
  remote_images: Type.Integer({ description: 'Those that lie in object storage.' }),
  pending_uploads: Type.Integer(),
  failed_uploads: Type.Integer(),
  total_size_bytes: Type.Integer({ description: 'Of all pictures, each counted by itself.' }),
  disk_usage_bytes: Type.Integer({
    description:
      'Of what lies on the disk: each file once, with the inputs of requests and what is in the trash, without thumbnails.',
  }),
})
export type StorageStats = Static<typeof StorageStats>
