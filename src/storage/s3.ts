import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3'
import { type ConnectedS3, closeS3, connectS3, type S3Options } from './s3-client.ts'
import { putInParts } from './s3-parts.ts'
import { type ByteRange, checkKey, type FileFacts, isKey, type Storage, type StoredFile } from './storage.ts'

/** A storage on another machine. */
export interface ObjectStorage extends Storage {
  /** Begins to read an object, in one request; undefined when there is none. */
  download(key: string, range?: ByteRange): Promise<Download | undefined>
  /** An address under which anyone can read the object for so many seconds. */
  signedUrl(key: string, seconds: number): Promise<string>
  /** Drops all connections. */
  close(): Promise<void>
}

export interface Download {
  /** Bytes that will come. */
  bytes: number
  body: Readable
}

/** Larger files go up in parts, each of which can fail and be seen to fail by itself. */
const WHOLE_UP_TO = 64 * 1024 * 1024

/** Longest time for a request that moves no file, in ms. */
const SHORT = 30_000

/**
 * Keeps files in a bucket of R2, AWS S3, MinIO or anything else that speaks S3. What goes up is checked by both sides: the
 * server gets the SHA-256 with the signature, and its answer is compared with the MD5 of what was sent.
 * Errors are those of the AWS SDK; `reasonOf` in `s3-client.ts` words them.
 */
export function createS3Storage(options: S3Options): ObjectStorage {
  const s3 = connectS3(options)
  const at = (key: string) => ({ Bucket: options.bucket, Key: options.prefix + checkKey(key) })
  const quick = () => ({ abortSignal: AbortSignal.timeout(SHORT) })

  async function download(key: string, range?: ByteRange): Promise<Download | undefined> {
    const { client, sdk } = await s3()
    const Range = range && `bytes=${range.start}-${range.end}`
    const answer = await unlessMissing(client.send(new sdk.GetObjectCommand({ ...at(key), Range })))
    return answer && bodyOf(answer, range)
  }

  async function stat(key: string): Promise<FileFacts | undefined> {
    const { client, sdk } = await s3()
    const answer = await unlessMissing(client.send(new sdk.HeadObjectCommand(at(key)), quick()))
    return answer && { bytes: answer.ContentLength ?? 0, modifiedAt: answer.LastModified?.getTime() ?? 0 }
  }

  return {
    put: async (key, file) => {
      const target = { ...at(key), ...describe(key) }
      await using source = await open(file.path)
      if (file.bytes > WHOLE_UP_TO) await putInParts(await s3(), source, file, target)
      else await putWhole(await s3(), source, file, target)
    },
    open: async (key, range) => {
      const facts = await stat(key)
      return facts && { size: facts.bytes, stream: () => Readable.from(chunks(() => download(key, range))) }
    },
    read: async (key) => {
      const found = await download(key)
      return found && Buffer.concat(await Array.fromAsync(found.body))
    },
    stat,
    delete: async (key) => {
      const { client, sdk } = await s3()
      await client.send(new sdk.DeleteObjectCommand(at(key)), quick())
    },
    list: () => list(s3, options),
    localPath: async (key) => void checkKey(key),
    free: async () => undefined,
    download,
    signedUrl: async (key, seconds) => {
      const { client, sdk } = await s3()
      const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner')
      return getSignedUrl(client, new sdk.GetObjectCommand(at(key)), { expiresIn: seconds })
    },
    close: () => closeS3(s3),
  }
}

/** How the bucket shows a picture to browsers that are sent there. Keys stand for their bytes, so it never changes. */
function describe(key: string) {
  const ContentType = TYPES.get(key.slice(key.lastIndexOf('.') + 1)) ?? 'application/octet-stream'
  return { ContentType, CacheControl: 'public, max-age=31536000, immutable' }
}

const TYPES: ReadonlyMap<string, string> = new Map([
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['webp', 'image/webp'],
  ['gif', 'image/gif'],
  ['avif', 'image/avif'],
])

async function putWhole(
  { client, sdk }: ConnectedS3,
  source: FileHandle,
  file: StoredFile,
  target: { Bucket: string; Key: string },
): Promise<void> {
  const { bytes, sha256 } = file
  const md5 = createHash('md5')
  const failed = new AbortController()
  const Body = bytes === 0 ? Buffer.alloc(0) : Readable.from(checked(source, file, md5))
  // The SDK waits for ever for the rest of a body that broke.
  if (Body instanceof Readable) Body.on('error', (error) => failed.abort(error))
  const command = new sdk.PutObjectCommand({ ...target, Body, ContentLength: bytes })
  // Whoever speaks S3 must refuse a body that is not what was signed, and so the way is checked without another read.
  command.middlewareStack.add(
    (next) => (step) => {
      const { headers } = step.request as { headers: Record<string, string> }
      headers['x-amz-content-sha256'] = sha256
      return next(step)
    },
    { step: 'build', name: 'signContentHash' },
  )
  const answer = await client.send(command, { abortSignal: failed.signal }).catch((error: unknown) => {
    throw failed.signal.aborted ? failed.signal.reason : error
  })
  if (isOtherMd5(answer, md5.digest('hex'))) {
    await client.send(new sdk.DeleteObjectCommand(target)).catch(() => {})
    throw new Error('the object storage took other bytes than were sent')
  }
}

/** Where the server encrypts with a key service, its tag is no MD5. */
function isOtherMd5(answer: { ETag?: string; ServerSideEncryption?: string }, md5: string): boolean {
  const tag = answer.ETag?.replaceAll('"', '') ?? ''
  return /^[0-9a-f]{32}$/.test(tag) && !answer.ServerSideEncryption?.startsWith('aws:') && tag !== md5
}

/** The bytes of a file. The last of them come only when all are what they were, so nothing else can arrive whole. */
async function* checked(source: FileHandle, file: StoredFile, md5: Hash): AsyncGenerator<Buffer> {
  const sha256 = createHash('sha256')
  let length = 0
  let last: Buffer | undefined
  for await (const chunk of source.createReadStream({ autoClose: false, highWaterMark: READ })) {
    if (last) yield last
    md5.update(chunk)
    sha256.update(chunk)
    length += chunk.length
    last = chunk
  }
  if (length !== file.bytes) throw new Error(`the file has ${length} bytes in place of ${file.bytes}`)
  if (sha256.digest('hex') !== file.sha256)
    throw new Error('the file holds other bytes than it was kept with')
  if (last) yield last
}

const READ = 256 * 1024

async function* chunks(begin: () => Promise<Download | undefined>): AsyncGenerator<Buffer> {
  const found = await begin()
  if (found === undefined) throw new Error('the object is gone')
  yield* found.body
}

/** Not every server keeps to a range to the byte; some give everything. On Node the body is a stream of Node. */
function bodyOf(
  { Body, ContentLength = 0, ContentRange }: GetObjectCommandOutput,
  range?: ByteRange,
): Download {
  const body = Body as Readable
  const first = Number(/^bytes (\d+)-/.exec(ContentRange ?? '')?.[1] ?? 0)
  const skip = range ? range.start - first : 0
  const bytes = range ? Math.min(range.end - range.start + 1, ContentLength - skip) : ContentLength
  if (skip === 0 && bytes === ContentLength) return { bytes, body }
  return { bytes, body: Readable.from(cut(body, skip, bytes)) }
}

async function* cut(body: AsyncIterable<Buffer>, skip: number, bytes: number): AsyncGenerator<Buffer> {
  let position = -skip
  for await (const chunk of body) {
    const part = chunk.subarray(Math.max(0, -position), Math.max(0, bytes - position))
    position += chunk.length
    if (part.length > 0) yield part
    if (position >= bytes) return
  }
}

async function* list(
  s3: () => Promise<ConnectedS3>,
  { bucket, prefix }: S3Options,
): AsyncIterable<FileFacts & { key: string }> {
  const { client, sdk } = await s3()
  const pages = sdk.paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix })
  for await (const { Contents = [] } of pages) {
    for (const { Key = '', Size: bytes = 0, LastModified } of Contents) {
      const key = Key.slice(prefix.length)
      if (isKey(key)) yield { key, bytes, modifiedAt: LastModified?.getTime() ?? 0 }
    }
  }
}

/** A bucket that is missing is an error, not a missing object, wherever the server tells the two apart. */
async function unlessMissing<Result>(answer: Promise<Result>): Promise<Result | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof Error && (error.name === 'NoSuchKey' || error.name === 'NotFound')) return undefined
    throw error
  }
}
