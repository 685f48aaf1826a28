import { reasonOf } from '../../storage/s3-client.ts'
import { keyOf, type Objects, type PlacedBlob } from './objects.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND

/** For so long the one who uploads is believed to be alive, in ms: the largest picture over a slow line. */
const UPLOAD_LEASE = 15 * MINUTE

/** The wait after the first failure, in ms; it doubles with each one up to the cap, and is tried again for ever. */
const FIRST_WAIT = 5 * SECOND
const LONGEST_WAIT = 15 * MINUTE

/** What waits for an upload, whichever way: a held picture is `deleting` only where the removal of its object was cut. */
const UNSAVED = ['pending', 'failed', 'uploading', 'deleting'] as const

/**
 * Takes some pictures that are due, so that no other process takes them; those of a process that died are due again when
 * its time is over.
 */
export async function claimUploads(objects: Objects, limit: number): Promise<PlacedBlob[]> {
  const now = objects.clock.now()
  const { query } = objects.database
  const found = await query
    .selectFrom('blob')
    .select(['sha256', 'mime', 'bytes'])
    .where('remote_at', '<=', now)
    .where('remote_state', 'in', UNSAVED)
    .where('reference_count', '>', 0)
    .orderBy('remote_at')
    .limit(limit)
    .execute()
  const claimed: PlacedBlob[] = []
  for (const blob of found) {
    const { numUpdatedRows } = await query
      .updateTable('blob')
      .set({ remote_state: 'uploading', remote_at: now + UPLOAD_LEASE })
      .where('sha256', '=', blob.sha256)
      .where('remote_at', '<=', now)
      .where('remote_state', 'in', UNSAVED)
      .executeTakeFirst()
    if (numUpdatedRows > 0n) claimed.push(blob)
  }
  return claimed
}

/** Uploads a picture that was claimed and writes down how that went; whether it went well. */
export async function upload(objects: Objects, blob: PlacedBlob, signal: AbortSignal): Promise<boolean> {
  try {
    const path = await objects.local.localPath(keyOf(blob))
    if (path === undefined) throw new Error('the local file is missing')
    await objects.remote.put(keyOf(blob), { ...blob, path })
    await settle(objects, blob, {
      remote_state: 'uploaded',
      remote_at: null,
      remote_error: null,
      remote_attempts: 0,
      uploaded_at: objects.clock.now(),
    })
    return true
  } catch (error) {
    if (signal.aborted) await release(objects, blob)
    else await fail(objects, blob, error)
    return false
  }
}

/** Gives back what a stopped server held; to be called where there can be no other one. */
export async function recoverUploads(objects: Objects): Promise<void> {
  await objects.database.query
    .updateTable('blob')
    .set({ remote_state: 'pending', remote_at: objects.clock.now() })
    .where('remote_state', '=', 'uploading')
    .where('remote_at', 'is not', null)
    .execute()
}

/** Makes everything due that failed, whenever its next turn would be; how many there were. */
export async function retryUploads(objects: Objects): Promise<number> {
  const { numUpdatedRows } = await objects.database.query
    .updateTable('blob')
    .set({ remote_at: objects.clock.now(), remote_attempts: 0 })
    .where('remote_state', '=', 'failed')
    .where('remote_at', 'is not', null)
    .executeTakeFirst()
  if (numUpdatedRows > 0n) objects.wake()
  return Number(numUpdatedRows)
}

/** Gives a claimed picture back untried. */
export const release = (objects: Objects, blob: PlacedBlob): Promise<void> =>
  settle(objects, blob, { remote_state: 'pending', remote_at: objects.clock.now() })

async function fail(objects: Objects, blob: PlacedBlob, error: unknown): Promise<void> {
  const { database, clock, log, failures } = objects
  failures.upload += 1
  const reason = reasonOf(error)
  const row = await database.query
    .selectFrom('blob')
    .select('remote_attempts')
    .where('sha256', '=', blob.sha256)
    .executeTakeFirst()
  const attempts = (row?.remote_attempts ?? 0) + 1
  const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(attempts - 1, 20))
  log.warn({ sha256: blob.sha256, reason, attempts }, 'a picture could not be uploaded')
  await settle(objects, blob, {
    remote_state: 'failed',
    remote_error: reason,
    remote_attempts: attempts,
    remote_at: clock.now() + wait,
  })
}

interface Settled {
  remote_state: 'pending' | 'failed' | 'uploaded'
  remote_at: number | null
  remote_error?: string | null
  remote_attempts?: number
  uploaded_at?: number
}

async function settle({ database }: Objects, { sha256 }: PlacedBlob, settled: Settled): Promise<void> {
  await database.query
    .updateTable('blob')
    .set(settled)
    .where('sha256', '=', sha256)
    .where('remote_state', '=', 'uploading')
    .execute()
}
