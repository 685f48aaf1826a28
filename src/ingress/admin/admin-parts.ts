import type { AdminAccess } from '../../access/admin-access.ts'
import type { Gateway } from '../../gateway/gateway.ts'

/** What the admin's routes are built from. */
export interface AdminParts {
  gateway: Gateway
  access: AdminAccess
  version: string
  settings: { publicUrl?: string | undefined }
}
