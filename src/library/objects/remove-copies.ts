import type { Library } from '../library.ts'
import { keyOf, type Objects, type PlacedBlob } from './objects.ts'
import { beginRemoval } from './remove-object.ts'

/**
 * Removes the local copies of some pictures, each only if its object is in the object storage; their hashes. The same locks
 * as in `evict.ts`.
 */
export async function removeLocalCopies(library: Library, hashes: readonly string[]): Promise<string[]> {
  const { database, originals } = library
  if (hashes.length === 0) return []
  return database.query.transaction().execute(async (query) => {
    const rows = await query
      .selectFrom('blob')
      .select(['sha256', 'mime', 'remote_state'])
      .where('sha256', 'in', hashes)
      .orderBy('sha256')
      .modifyEnd(database.facts.forUpdate)
      .execute()
    const found = rows.filter((row) => row.remote_state === 'uploaded')
    await Promise.all(found.map((blob) => originals.delete(keyOf(blob))))
    const gone = found.map(({ sha256 }) => sha256)
    if (gone.length > 0)
      await query.updateTable('blob').set({ local_at: null }).where('sha256', 'in', gone).execute()
    return gone
  })
}

/**
 * Removes the object of a picture that also lies on the local disk, and keeps it from being uploaded again. An object that
 * is the only copy is not touched.
 *
 * @returns whether it is gone
 * @throws errors of the object storage; the picture is then uploaded again, whether its object went or not
 */
export async function removeObject(objects: Objects, sha256: string): Promise<boolean> {
  const { database, local, remote } = objects
  const blob = await database.query.transaction().execute(async (query) => {
    const row = await query
      .selectFrom('blob')
      .select(['sha256', 'mime', 'local_at', 'remote_state'])
      .where('sha256', '=', sha256)
      .modifyEnd(database.facts.forUpdate)
      .executeTakeFirst()
    if (row?.remote_state !== 'uploaded' || row.local_at === null) return undefined
    if ((await local.stat(keyOf(row))) === undefined) return undefined
    await beginRemoval(objects, query, sha256)
    await query.updateTable('blob').set({ local_at: row.local_at }).where('sha256', '=', sha256).execute()
    return row
  })
  if (blob === undefined) return false
  try {
    await remote.delete(keyOf(blob))
  } catch (error) {
    await settle(objects, blob, { remote_state: 'pending' })
    throw error
  }
  await settle(objects, blob, { remote_state: null, remote_at: null })
  return true
}

async function settle(
  { database }: Objects,
  { sha256 }: Pick<PlacedBlob, 'sha256'>,
  state: { remote_state: 'pending' } | { remote_state: null; remote_at: null },
): Promise<void> {
  await database.query
    .updateTable('blob')
    .set(state)
    .where('sha256', '=', sha256)
    .where('remote_state', '=', 'deleting')
    .execute()
}
