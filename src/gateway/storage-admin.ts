import type { Jobs } from '../admin/jobs.ts'
import { AppError } from '../base/error.ts'
import { chunked } from '../db/chunked.ts'
import { checkStorage } from '../library/objects/check-storage.ts'
import { type Evicted, evict } from '../library/objects/evict.ts'
import type { Objects } from '../library/objects/objects.ts'
import { removeLocalCopies, removeObject } from '../library/objects/remove-copies.ts'
import { retryUploads as makeDue } from '../library/objects/upload.ts'
import type { Gateway } from './gateway.ts'
import { removeImagesOfAnyone } from './remove-images.ts'
import { removeImagesOfBlobs } from './retire-images.ts'

/** What the admin does with the storage of pictures. */
export interface StorageAdmin {
  /** What does not work with the object storage; undefined when all does. */
  test(): Promise<string | undefined>
  /** Uploads what is due now instead of later; how that went, in a few words. */
  uploadPending(): Promise<string>
  /** Makes everything due that failed; how many pictures that were. */
  retryUploads(): Promise<number>
  /** Removes local copies. With `force` also those that exist nowhere else, and the pictures with them. */
  clearLocal(options: { force: boolean }): Promise<Evicted>
  /** Removes pictures, or only their local copies or objects; how many were removed. Unknown ids are passed over. */
  remove(ids: readonly string[], what: RemovedPart): Promise<number>
}

/** `local` and `r2` take one of two copies away and never the only one; `all` puts pictures into the trash. */
export type RemovedPart = 'local' | 'r2' | 'all'

/** @throws {AppError} `object_storage_missing` from everything that needs an object storage where none is configured */
export function createStorageAdmin(gateway: Gateway, jobs: Jobs): StorageAdmin {
  const { library } = gateway
  const configured = (): Objects => {
    if (library.objects === undefined) throw new AppError('object_storage_missing')
    return library.objects
  }
  return {
    test: async () => checkStorage(configured(), gateway.spools),
    uploadPending: async () => {
      configured()
      const { last_result, last_error } = await jobs.run('upload')
      return last_error ?? last_result ?? ''
    },
    retryUploads: async () => makeDue(configured()),
    clearLocal: async ({ force }) => {
      const onlyCopiesGone = (hashes: readonly string[]) => removeImagesOfBlobs(gateway, hashes)
      const limits = { lifetime: 0, ...(force && { onlyCopiesGone }) }
      return evict(library, limits, new AbortController().signal)
    },
    remove: async (ids, what) => {
      if (what === 'all') return (await removeImagesOfAnyone(gateway, ids)).length
      const objects = configured()
      const hashes = await hashesOf(gateway, ids)
      if (what === 'local') return (await removeLocalCopies(library, hashes)).length
      let removed = 0
      for (const sha256 of hashes) if (await removeObject(objects, sha256)) removed += 1
      return removed
    },
  }
}

async function hashesOf({ database }: Gateway, ids: readonly string[]): Promise<string[]> {
  const hashes = new Set<string>()
  for (const some of chunked(ids)) {
    const found = await database.query
      .selectFrom('image')
      .select('sha256')
      .where('id', 'in', some)
      .where('deleted_at', 'is', null)
      .execute()
    for (const { sha256 } of found) hashes.add(sha256)
  }
  return [...hashes].sort()
}
