import { sql } from 'kysely'
import { measureUsage } from '../library/objects/usage.ts'
import type { Gateway } from './gateway.ts'

/** Where the pictures are, as the admin sees it. */
export interface StorageStats {
  /** Pictures that are not in the trash. */
  total_images: number
  local_images: number
  remote_images: number
  pending_uploads: number
  failed_uploads: number
  /** Bytes of all pictures, the same bytes once. */
  total_size_bytes: number
  /** Bytes of the copies on the local disk. */
  disk_usage_bytes: number
}

/** Counts in short steps; without an object storage nothing waits to be uploaded. */
export async function storageStats({ database, library }: Gateway): Promise<StorageStats> {
  const usage = await measureUsage(database)
  const hasObjects = library.objects !== undefined
  return {
    total_images: await countImages(database.query),
    local_images: usage.local,
    remote_images: usage.remote,
    pending_uploads: hasObjects ? usage.pending : 0,
    failed_uploads: hasObjects ? usage.failed : 0,
    total_size_bytes: usage.bytes,
    disk_usage_bytes: usage.localBytes,
  }
}

/** All without those in the trash: both counts have an index, their difference has none. */
async function countImages(query: Gateway['database']['query']): Promise<number> {
  const count = sql<number>`count(*)`.as('count')
  const all = await query.selectFrom('image').select(count).executeTakeFirstOrThrow()
  const deleted = await query
    .selectFrom('image')
    .select(count)
    .where('deleted_at', 'is not', null)
    .executeTakeFirstOrThrow()
  return Number(all.count) - Number(deleted.count)
}
