import type { Kysely } from 'kysely'
import type { Schema } from '../../db/schema.ts'
import { reasonOf } from '../../storage/s3-client.ts'
import { keyOf, type Objects, type PlacedBlob } from './objects.ts'

/**
 * Longer than a request to remove an object can be under way, in ms: until then nobody uploads the same bytes anew, or the
 * old request could remove the new object.
 */
const REMOVAL_LEASE = 2 * 60_000

/** What is being uploaded or removed by somebody is not touched before that is over. */
export const isBusy = (
  row: { remote_state: string | null; remote_at: number | null },
  now: number,
): boolean =>
  (row.remote_state === 'uploading' || row.remote_state === 'deleting') && (row.remote_at ?? 0) > now

/** Part of the transaction that has locked the row and found no holder: from here on its object is being removed. */
export async function beginRemoval(
  { clock }: Pick<Objects, 'clock'>,
  query: Kysely<Schema>,
  sha256: string,
): Promise<void> {
  await query
    .updateTable('blob')
    .set({ remote_state: 'deleting', remote_at: clock.now() + REMOVAL_LEASE, local_at: null })
    .where('sha256', '=', sha256)
    .execute()
}

/**
 * Removes an object whose row is marked so, then the row, unless somebody holds the bytes again by then. Outside of any
 * transaction, since the storage may take its time. False when the storage refused; the next purge tries again.
 */
export async function endRemoval(
  objects: Objects,
  blob: Pick<PlacedBlob, 'sha256' | 'mime'>,
): Promise<boolean> {
  try {
    await objects.remote.delete(keyOf(blob))
  } catch (error) {
    objects.failures.delete += 1
    objects.log.warn({ sha256: blob.sha256, reason: reasonOf(error) }, 'an object could not be removed')
    return false
  }
  await objects.database.query
    .deleteFrom('blob')
    .where('sha256', '=', blob.sha256)
    .where('remote_state', '=', 'deleting')
    .where('reference_count', '<=', 0)
    .execute()
  return true
}
