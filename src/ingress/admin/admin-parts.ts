import type { UpstreamMode } from '../../../contract/settings.ts'
import type { AdminAccess } from '../../access/admin-access.ts'
import type { Keys } from '../../access/keys.ts'
import type { Jobs } from '../../admin/jobs.ts'
import type { SettingsStore } from '../../admin/settings.ts'
import type { Gateway } from '../../gateway/gateway.ts'

/** What the admin's routes are built from. */
export interface AdminParts {
  gateway: Gateway
  access: AdminAccess
  settings: SettingsStore
  keys: Keys
  jobs: Jobs
  version: string
  /** Ms since the epoch. */
  startedAt: number
  /** Which upstreams are asked now. */
  mode(): UpstreamMode
  /** Our address as clients know it, without a trailing slash; undefined: as the request says. */
  publicUrl: string | undefined
}
