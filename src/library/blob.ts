import { type Kysely, sql } from 'kysely'
import { type PictureType, Spooled } from '../bytes/spooled.ts'
import type { RemoteState, Schema } from '../db/schema.ts'
import { insertIgnore } from '../db/upsert.ts'
import { pictureKey } from '../storage/storage.ts'
import type { Library } from './library.ts'
import { missing } from './missing.ts'

/** The facts of a picture that has been checked: type and size are known. */
export interface PictureFacts {
  sha256: string
  bytes: number
  mime: PictureType
  width: number
  height: number
}

/** The facts of a checked picture; throws a plain Error for one that never was, which is our own mistake. */
export function pictureOf({ sha256, bytes, mime, width, height }: Spooled): PictureFacts {
  if (mime === undefined || width === undefined || height === undefined) {
    throw new Error('an unchecked picture reached the library')
  }
  return { sha256, bytes, mime, width, height }
}

/** Moves a checked picture into the store of originals, where it stays under its hash. The row is {@link holdBlob}'s. */
export async function putBlob(library: Library, picture: Spooled): Promise<void> {
  const { sha256, mime } = pictureOf(picture)
  await library.originals.put(pictureKey(sha256, mime), picture)
}

/**
 * Counts one more holder of the bytes; part of the transaction that writes the holder's row. Until that ends, the row of the
 * blob is locked, so that a purge cannot take the file, and what it took before is put back; see `purge.ts`.
 *
 * @returns how many bytes are kept now that were not before: those of the first holder
 */
export async function holdBlob(library: Library, query: Kysely<Schema>, picture: Spooled): Promise<number> {
  for (let attempt = 0; attempt < HOLD_ATTEMPTS; attempt += 1) {
    await noteBlob(library, query, picture)
    const isFirst = await countHolder(library, query, picture, '<=')
    if (isFirst || (await countHolder(library, query, picture, '>'))) {
      await mendBlob(library, picture)
      return isFirst ? picture.bytes : 0
    }
  }
  throw new Error(`the row of picture ${picture.sha256} is removed again and again`)
}

/** Counts one more where nobody, or somebody, holds the blob already; whether it was so. */
async function countHolder(
  library: Library,
  query: Kysely<Schema>,
  { sha256 }: Spooled,
  holders: '<=' | '>',
): Promise<boolean> {
  const result = await query
    .updateTable('blob')
    .set(hold(library.clock.now()))
    .where('sha256', '=', sha256)
    .where('reference_count', holders, 0)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/**
 * The bytes are on the local disk again, and what the object storage does not have is to be uploaded. An object that is
 * just being removed counts as gone, but not before that is over. MySQL goes from left to right, so the state comes last.
 */
const hold = (now: number) => ({
  reference_count: sql<number>`reference_count + 1`,
  local_at: now,
  remote_at: sql<
    number | null
  >`case when remote_state = 'uploaded' then null else coalesce(remote_at, ${now}) end`,
  remote_state: sql<RemoteState>`case when remote_state is null or remote_state = 'deleting' then 'pending' else remote_state end`,
})

/** On PostgreSQL the row may be purged between the two statements; that it happens twice is past belief. */
const HOLD_ATTEMPTS = 5

async function mendBlob(library: Library, picture: Spooled): Promise<void> {
  const { sha256, mime } = pictureOf(picture)
  if ((await library.originals.stat(pictureKey(sha256, mime))) === undefined) await putBlob(library, picture)
}

/**
 * Counts some holders less; part of the transaction that removes their rows. The bytes go with the next purge.
 *
 * @returns whether nobody holds them any more
 */
export async function releaseBlob(query: Kysely<Schema>, sha256: string, holders = 1): Promise<boolean> {
  const release = (rest: '<=' | '>') =>
    query
      .updateTable('blob')
      .set({ reference_count: sql`reference_count - ${sql.lit(holders)}` })
      .where('sha256', '=', sha256)
      .where('reference_count', rest, holders)
      .executeTakeFirst()
  const last = await release('<=')
  if (last.numUpdatedRows > 0n) return true
  await release('>')
  return false
}

/** Makes sure that bytes which are kept have a row, if only one without holders: nobody would find them otherwise. */
export async function noteBlob(library: Library, query: Kysely<Schema>, picture: Spooled): Promise<void> {
  await insertIgnore(library.database, query, 'blob', {
    ...pictureOf(picture),
    reference_count: 0,
    thumbhash: null,
    phash: null,
    derived_at: null,
    derive_error: null,
    created_at: library.clock.now(),
    ...unsaved(library.clock.now()),
  })
}

/** New bytes are on the local disk only. */
const unsaved = (now: number) =>
  ({ remote_state: 'pending', remote_attempts: 0, remote_at: now, local_at: now }) as const

/** A kept picture as a file on this machine, so that it can be sent along with a request. */
export async function localBlob(library: Library, sha256: string): Promise<Spooled> {
  const row = await library.database.query
    .selectFrom('blob')
    .select(['bytes', 'mime', 'width', 'height'])
    .where('sha256', '=', sha256)
    .executeTakeFirstOrThrow()
  const mime = row.mime as PictureType
  const path = await library.originals.localPath(pictureKey(sha256, mime))
  if (path === undefined) throw missing(sha256)
  return new Spooled({ ...row, sha256, mime, path, complete: true })
}
