import { AppError } from '../../base/error.ts'
import type { SpoolDirectory } from '../../bytes/spool.ts'
import type { Download } from '../../storage/s3.ts'
import { reasonOf } from '../../storage/s3-client.ts'
import type { Objects } from './objects.ts'

/**
 * Brings the object of an original back to the local disk. Its bytes get their name only when their hash is right, so
 * nobody ever sees other ones.
 *
 * @returns whether there was something to bring
 * @throws {AppError} `object_unavailable` when the storage does not answer, `object_damaged` when it has other bytes
 */
export async function fetchBack(objects: Objects, spools: SpoolDirectory, key: string): Promise<boolean> {
  const sha256 = hashOf(key)
  await using spool = spools.scope()
  const found = await begin(objects, key)
  if (found === undefined) {
    await lose(objects, sha256, 'the object is missing')
    return false
  }
  const { sha256: got, ...file } = await spool.receive(during(objects, found))
  if (got !== sha256) {
    objects.failures.damaged += 1
    objects.log.error(
      { sha256, got, bytes: file.bytes },
      'the object storage gave other bytes than were uploaded',
    )
    await lose(objects, sha256, 'the object holds other bytes')
    throw new AppError('object_damaged')
  }
  // The row first: if we stop in between, a row without a file is mended by the next read.
  await objects.database.query
    .updateTable('blob')
    .set({ local_at: objects.clock.now() })
    .where('sha256', '=', sha256)
    .execute()
  await objects.local.put(key, { ...file, sha256 })
  await find(objects, sha256)
  return true
}

/** The hash that a key of an original is named after. */
export const hashOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1).replace(/\..*$/, '')

async function begin(objects: Objects, key: string): Promise<Download | undefined> {
  try {
    return await objects.remote.download(key)
  } catch (error) {
    throw unavailable(objects, error)
  }
}

/** The bytes as they come; a connection that breaks is the storage's failure, a disk that is full is not. */
async function* during(objects: Objects, { body, bytes }: Download): AsyncGenerator<Uint8Array> {
  let length = 0
  try {
    for await (const chunk of body) {
      length += chunk.length
      yield chunk
    }
  } catch (error) {
    throw unavailable(objects, error)
  } finally {
    body.destroy()
  }
  if (length < bytes) throw unavailable(objects, new Error('the object ended early'))
}

function unavailable({ failures, log }: Objects, error: unknown): AppError {
  failures.download += 1
  log.warn({ reason: reasonOf(error) }, 'an object could not be read')
  return new AppError('object_unavailable', {
    values: { detail: reasonOf(error) },
    retryAfter: 10,
    cause: error,
  })
}

/** An object that is not what it was no longer counts as a copy: whoever brings the bytes again uploads them again. */
async function lose({ database, failures, log }: Objects, sha256: string, reason: string): Promise<void> {
  const { numUpdatedRows } = await database.query
    .updateTable('blob')
    .set({ remote_state: 'failed', remote_error: reason, remote_at: null })
    .where('sha256', '=', sha256)
    .where('remote_state', '=', 'uploaded')
    .executeTakeFirst()
  if (numUpdatedRows === 0n) return
  if (reason.includes('missing')) failures.missing += 1
  log.error({ sha256, reason }, 'the object of a picture is lost')
}

/** What was thought to be lost is there. */
async function find({ database, clock }: Objects, sha256: string): Promise<void> {
  await database.query
    .updateTable('blob')
    .set({ remote_state: 'uploaded', remote_error: null, remote_at: null, uploaded_at: clock.now() })
    .where('sha256', '=', sha256)
    .where('remote_state', '=', 'failed')
    .execute()
}
