import { chunked } from '../db/chunked.ts'
import { addToCounters } from '../db/counter.ts'
import { pictureKey } from '../storage/storage.ts'
import { releaseBlob } from './blob.ts'
import type { Library } from './library.ts'
import { beginRemoval, endRemoval, isBusy } from './objects/remove-object.ts'

export interface Purge {
  /** Pictures that were deleted until then go, in ms since the epoch. */
  before: number
  /** Ends the work between two batches. */
  signal: AbortSignal
}

/**
 * Empties the trash: rows of pictures that were deleted long enough ago, then the bytes that nobody holds any more, with
 * their thumbnails. May be cut anywhere and run in several processes at once.
 *
 * The same bytes may be drawn again while they are purged, and the new picture must not lose its file. Both sides
 * agree by the row of the blob:
 * - Here the row is locked, its count looked at, the file removed and the row deleted in one transaction.
 * - `holdBlob` locks the row by counting itself, and only then looks whether the file is there, and puts it again if not.
 *
 * So either the holder comes first, and the purge finds a count above zero and leaves the file; or the purge comes
 * first, and the holder waits for its end, writes the row anew and sees that the file is gone. That the writer saw a
 * file before it had the row does not matter. A purge that is cut between file and row leaves a row that nobody
 * holds, which the next purge removes, or the next holder mends. With SQLite, writers take turns anyway.
 *
 * An object in the object storage takes longer to remove than a row may be locked. So the row stays, marked `deleting`, until
 * its object is gone; who holds the bytes in the meantime makes it `pending`, due when the removal is certainly over, and
 * then they are uploaded anew.
 */
export async function purgeTrash(library: Library, purge: Purge): Promise<void> {
  await inBatches(purge.signal, () => purgeImages(library, purge.before))
  await inBatches(purge.signal, () => purgeBlobs(library, purge.signal))
}

/** Rows of one transaction. */
const BATCH = 100
/** So much in one go at most; the rest is for the next one. */
const MOST_BATCHES = 1000

async function inBatches(signal: AbortSignal, work: () => Promise<number>): Promise<void> {
  for (let batch = 0; batch < MOST_BATCHES && !signal.aborted; batch += 1) {
    if ((await work()) < BATCH) return
  }
}

/** Removes some rows; how many were found. */
async function purgeImages({ database }: Library, before: number): Promise<number> {
  const found = await database.query
    .selectFrom('image')
    .select('id')
    .where('deleted_at', '<=', before)
    .limit(BATCH)
    .execute()
  if (found.length === 0) return 0
  const ids = found.map(({ id }) => id)
  await database.query.transaction().execute(async (query) => {
    // Another process may have taken some of them in the meantime.
    const own = await query
      .selectFrom('image')
      .select(['id', 'sha256', 'bytes'])
      .where('id', 'in', ids)
      .orderBy('id')
      .modifyEnd(database.facts.forUpdate)
      .execute()
    const holders = Map.groupBy(own, ({ sha256 }) => sha256)
    // In order, or two purges could each wait for the other.
    let freed = 0
    for (const sha256 of [...holders.keys()].sort()) {
      const rows = holders.get(sha256) ?? []
      if (await releaseBlob(query, sha256, rows.length)) freed += rows[0]?.bytes ?? 0
    }
    for (const some of chunked(own)) {
      await query
        .deleteFrom('image')
        .where(
          'id',
          'in',
          some.map(({ id }) => id),
        )
        .execute()
    }
    // Whose they were does not matter any more: only the sum over all owners is told.
    await addToCounters(database, query, [{ owner: '', name: 'blob_bytes', change: -freed }])
  })
  return found.length
}

/** Removes some blobs that nobody holds; how many were found. */
async function purgeBlobs(library: Library, signal: AbortSignal): Promise<number> {
  const now = library.clock.now()
  const found = await library.database.query
    .selectFrom('blob')
    .select(['sha256', 'mime'])
    .where('reference_count', '<=', 0)
    .where((row) =>
      row.or([
        row('remote_state', 'is', null),
        row('remote_state', 'not in', ['uploading', 'deleting']),
        row('remote_at', '<=', now),
      ]),
    )
    .limit(BATCH)
    .execute()
  for (const blob of found) {
    if (signal.aborted || !(await purgeBlob(library, blob))) return 0
  }
  return found.length
}

/** Whether it makes sense to go on. */
async function purgeBlob(
  library: Library,
  { sha256, mime }: { sha256: string; mime: string },
): Promise<boolean> {
  const { query, facts } = library.database
  const { objects } = library
  const freed = await query.transaction().execute(async (query) => {
    const row = await query
      .selectFrom('blob')
      .select(['reference_count', 'remote_state', 'remote_at'])
      .where('sha256', '=', sha256)
      .modifyEnd(facts.forUpdate)
      .executeTakeFirst()
    if (row === undefined || row.reference_count > 0 || isBusy(row, library.clock.now())) return 'nothing'
    await library.originals.delete(pictureKey(sha256, mime))
    if (objects && !objects.settings.keepDeleted) {
      await beginRemoval(objects, query, sha256)
      return 'local copy'
    }
    await query.deleteFrom('blob').where('sha256', '=', sha256).execute()
    return 'all'
  })
  // Thumbnails can be made again, so they need no lock.
  if (freed !== 'nothing') await library.deriver.remove(sha256)
  return freed === 'local copy' && objects ? endRemoval(objects, { sha256, mime }) : true
}
