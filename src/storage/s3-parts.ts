import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import type { ConnectedS3 } from './s3-client.ts'
import type { StoredFile } from './storage.ts'

/** Bytes of a part. One is in memory at a time, so that it can be signed with its hash and sent again. */
const PART = 16 * 1024 * 1024

/**
 * Sends a large file in parts, one after the other, and lets the server put them together. What was sent of a file that
 * fails is taken back; after a crash it is for the bucket's own rules to remove.
 */
export async function putInParts(
  { client, sdk }: ConnectedS3,
  source: FileHandle,
  { bytes, sha256 }: StoredFile,
  target: { Bucket: string; Key: string },
): Promise<void> {
  const { Bucket, Key } = target
  const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand(target))
  try {
    const parts: { ETag: string | undefined; PartNumber: number }[] = []
    const digests: Buffer[] = []
    const hash = createHash('sha256')
    const buffer = Buffer.allocUnsafeSlow(PART)
    for (let start = 0; start < bytes; start += PART) {
      const Body = await readPart(source, buffer, start, Math.min(PART, bytes - start))
      hash.update(Body)
      const PartNumber = parts.length + 1
      const { ETag } = await client.send(
        new sdk.UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }),
      )
      parts.push({ ETag, PartNumber })
      digests.push(createHash('md5').update(Body).digest())
    }
    if (hash.digest('hex') !== sha256) throw new Error('the file holds other bytes than it was kept with')
    const answer = await client.send(
      new sdk.CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts: parts } }),
    )
    checkWhole(answer, digests)
  } catch (error) {
    await client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch(() => {})
    throw error
  }
}

async function readPart(source: FileHandle, buffer: Buffer, start: number, length: number): Promise<Buffer> {
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await source.read(buffer, filled, length - filled, start + filled)
    if (bytesRead === 0) throw new Error('the file is shorter than it was')
    filled += bytesRead
  }
  return buffer.subarray(0, length)
}

/** The tag of a file in parts is the MD5 of the MD5s of the parts, where the server does not encrypt with a key service. */
function checkWhole(
  answer: { ETag?: string; ServerSideEncryption?: string },
  digests: readonly Buffer[],
): void {
  const tag = answer.ETag?.replaceAll('"', '') ?? ''
  if (!/^[0-9a-f]{32}-\d+$/.test(tag) || answer.ServerSideEncryption?.startsWith('aws:')) return
  const expected = createHash('md5').update(Buffer.concat(digests)).digest('hex')
  if (tag !== `${expected}-${digests.length}`)
    throw new Error('the object storage put other parts together than were sent')
}
