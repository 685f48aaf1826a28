import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { AppError } from '../../base/error.ts'
import { reasonOf } from '../../storage/s3-client.ts'
import type { ByteRange } from '../../storage/storage.ts'
import { keyOf, type Objects, type PlacedBlob } from './objects.ts'

/** How long an address of the bucket works, in s. */
const SIGNED_FOR = 3600

/** Where a viewer is sent for an original, if the settings say so and its object is there. */
export async function addressOf(objects: Objects, blob: PlacedBlob): Promise<string | undefined> {
  const { redirect } = objects.settings
  if (redirect === 'off') return undefined
  const row = await objects.database.query
    .selectFrom('blob')
    .select('remote_state')
    .where('sha256', '=', blob.sha256)
    .executeTakeFirst()
  if (row?.remote_state !== 'uploaded') return undefined
  if (redirect === 'presigned') return objects.remote.signedUrl(keyOf(blob), SIGNED_FOR)
  return `${redirect.publicUrl}/${redirect.prefix}${keyOf(blob)}`
}

/**
 * An original straight from the object storage, for when the disk has no room for it. All of it is checked while it goes
 * by: the end of other bytes is never sent.
 *
 * @throws {AppError} `object_unavailable`, `object_missing`
 */
export async function passThrough(objects: Objects, blob: PlacedBlob, range?: ByteRange): Promise<Readable> {
  const found = await objects.remote.download(keyOf(blob), range).catch((error: unknown) => {
    objects.failures.download += 1
    throw new AppError('object_unavailable', {
      values: { detail: reasonOf(error) },
      retryAfter: 10,
      cause: error,
    })
  })
  if (found === undefined) throw new AppError('object_missing')
  return range ? found.body : Readable.from(verified(objects, found.body, blob.sha256))
}

async function* verified(objects: Objects, body: Readable, sha256: string): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  let last: Buffer | undefined
  for await (const chunk of body) {
    if (last) yield last
    hash.update(chunk)
    last = chunk
  }
  if (hash.digest('hex') !== sha256) {
    objects.failures.damaged += 1
    throw new AppError('object_damaged')
  }
  if (last) yield last
}
