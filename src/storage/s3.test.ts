import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { type Fault, startS3Proxy } from '../../test/upstreams/s3-proxy.ts'
import { describeStorage } from './conformance.ts'
import { createS3Storage } from './s3.ts'
import { reasonOf } from './s3-client.ts'
import { pictureKey, type StoredFile } from './storage.ts'
import { testS3Options } from './testing.ts'

const MiB = 1024 * 1024
const folder = await mkdtemp(join(tmpdir(), 'pictor-s3-'))
const direct = testS3Options()
const proxy = await startS3Proxy(direct.endpoint ?? '')
const storage = createS3Storage({ ...direct, endpoint: proxy.url })

beforeEach(() => {
  proxy.fault = { name: 'none' }
})
afterAll(async () => {
  await storage.close()
  await proxy[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

describeStorage('s3', async () => createS3Storage(testS3Options()))

async function given(bytes: Buffer): Promise<StoredFile & { key: string }> {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const path = join(folder, sha256)
  await writeFile(path, bytes)
  return { path, bytes: bytes.length, sha256, key: pictureKey(sha256, 'image/png') }
}

test('two prefixes of one bucket do not see each other, and the objects say what they are', async () => {
  const other = createS3Storage({ ...testS3Options() })
  const file = await given(randomBytes(1000))
  await storage.put(file.key, file)
  expect(await other.stat(file.key)).toBeUndefined()
  const address = await storage.signedUrl(file.key, 60)
  const answer = await fetch(address)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('image/png')
  expect(answer.headers.get('cache-control')).toContain('immutable')
  expect(Buffer.from(await answer.arrayBuffer())).toHaveLength(1000)
  await other.close()
})

test('a file above 64 MiB goes up in parts and comes back as it was', async () => {
  const file = await given(randomBytes(70 * MiB))
  proxy.seen = []
  await storage.put(file.key, file)
  expect(proxy.seen.filter((request) => request.startsWith('PUT'))).toHaveLength(5)
  expect(proxy.misnamed).toBe(0)
  const hash = createHash('sha256')
  for await (const chunk of (await storage.download(file.key))?.body ?? []) hash.update(chunk)
  expect(hash.digest('hex')).toBe(file.sha256)
})

test('parts that the server misheard are taken back', async () => {
  const file = await given(randomBytes(65 * MiB))
  await expect(storage.put(file.key, { ...file, bytes: 66 * MiB })).rejects.toThrow('shorter')
  expect(await storage.stat(file.key)).toBeUndefined()
})

test('a body that changed on its way is refused by us, whatever the server thinks', async () => {
  proxy.fault = { name: 'other-tag' }
  const file = await given(randomBytes(1000))
  await expect(storage.put(file.key, file)).rejects.toThrow('other bytes')
  expect(await storage.stat(file.key)).toBeUndefined()
})

test('the hash of the content is signed', async () => {
  const file = await given(randomBytes(1000))
  proxy.misnamed = 0
  await storage.put(file.key, file)
  expect(proxy.misnamed).toBe(0)
  // Sent with another hash than its own it would be misnamed, but it does not get so far.
  await expect(storage.put(file.key, { ...file, sha256: '0'.repeat(64) })).rejects.toThrow('other bytes')
})

test('a file whose bytes changed is not sent to its end', async () => {
  const file = await given(randomBytes(70 * MiB))
  const handle = await open(file.path, 'r+')
  await handle.write(Buffer.from('changed'), 0, 7, 1000)
  await handle.close()
  await expect(storage.put(file.key, file)).rejects.toThrow('other bytes than it was kept with')
  expect(await storage.stat(file.key)).toBeUndefined()
})

test('a file that became shorter is not kept', async () => {
  const file = await given(randomBytes(2000))
  const handle = await open(file.path, 'r+')
  await handle.truncate(500)
  await handle.close()
  await expect(storage.put(file.key, file)).rejects.toThrow('500 bytes in place of 2000')
})

const faults: [string, Fault, RegExp][] = [
  ['refused', { name: 'status', status: 403, code: 'AccessDenied' }, /^403 AccessDenied/],
  ['broken', { name: 'status', status: 500, code: 'InternalError' }, /^500 InternalError/],
  ['busy', { name: 'status', status: 503, code: 'SlowDown' }, /^503 SlowDown/],
  ['down', { name: 'down' }, /^ECONNRESET$/],
]

test.each(faults)(
  'a server that is %s is an error in plain words, for each operation',
  async (_, fault, words) => {
    const file = await given(randomBytes(1000))
    proxy.fault = fault
    const failed = [storage.put(file.key, file), storage.download(file.key), storage.delete(file.key)]
    for (const result of await Promise.allSettled(failed)) {
      expect(result.status).toBe('rejected')
      const reason = reasonOf(result.status === 'rejected' && result.reason)
      expect(reason).toMatch(words)
      expect(reason).not.toContain('127.0.0.1')
    }
  },
)

test('a bucket that is missing is not a missing object', async () => {
  const wrong = createS3Storage({ ...direct, bucket: 'nowhere' })
  const { key } = await given(randomBytes(10))
  await expect(wrong.download(key)).rejects.toThrow(/bucket/i)
  await wrong.close()
})

test('a download that is cut is an error', async () => {
  const file = await given(randomBytes(100_000))
  await storage.put(file.key, file)
  proxy.fault = { name: 'cut' }
  const found = await storage.download(file.key)
  await expect(Array.fromAsync(found?.body ?? [])).rejects.toThrow()
})
