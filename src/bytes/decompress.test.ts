import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { decompress } from './decompress.ts'
import { readJson } from './read-json.ts'
import { chunked, fakePng, openTestSpool, unspool } from './testing.ts'

const PICTURE = fakePng(400_000)
const BODY = Buffer.from(JSON.stringify({ data: [{ b64_json: PICTURE.toString('base64') }] }))

test('every encoding of HTTP is undone', async () => {
  await using test = await openTestSpool()
  const encoded: [string | undefined, Buffer][] = [
    [undefined, BODY],
    ['', BODY],
    ['identity', BODY],
    ['gzip', gzipSync(BODY)],
    ['x-gzip', gzipSync(BODY)],
    ['GZIP', gzipSync(BODY)],
    ['deflate', deflateSync(BODY)],
    ['br', brotliCompressSync(BODY)],
    ['zstd', zstdCompressSync(BODY)],
    ['gzip, br', brotliCompressSync(gzipSync(BODY))],
  ]
  for (const [encoding, bytes] of encoded) {
    const value = await readJson(decompress(chunked(bytes, [5000]), encoding), { spool: test.spool })
    expect(await unspool(value), encoding).toEqual({
      data: [{ b64_json: { prefix: '', base64: PICTURE.toString('base64') } }],
    })
  }
})

test('an encoding that is not known, or too many, is refused at once', () => {
  for (const encoding of ['compress', 'constructor', 'gzip, gzip, gzip']) {
    expect(() => decompress(chunked(BODY), encoding)).toThrowError(
      expect.objectContaining({ kind: 'encoding' }),
    )
  }
})

test('broken data is an error, cut data too', async () => {
  const gzip = gzipSync(BODY)
  const cases: [string, Buffer][] = [
    ['gzip', BODY],
    ['br', gzip],
    ['zstd', gzip],
    ['deflate', gzip],
    ['gzip', gzip.subarray(0, gzip.length / 2)],
    ['br', brotliCompressSync(BODY).subarray(0, 1000)],
    ['zstd', zstdCompressSync(BODY).subarray(0, 1000)],
  ]
  for (const [encoding, bytes] of cases) {
    const reading = Array.fromAsync(decompress(chunked(bytes, [5000]), encoding))
    await expect(reading, encoding).rejects.toMatchObject({ name: 'BytesError', kind: 'encoding' })
  }
})

test('an error of the stream passes through', async () => {
  const broken = new Error('socket hang up')
  async function* cut() {
    yield gzipSync(BODY).subarray(0, 1000)
    throw broken
  }
  await expect(Array.fromAsync(decompress(cut(), 'gzip'))).rejects.toBe(broken)
})

test('whoever stops reading stops the unpacking of a bomb', async () => {
  await using test = await openTestSpool()
  const bomb = gzipSync(Buffer.alloc(200_000_000, ' '), { level: 1 })
  let read = 0
  async function* body() {
    for await (const chunk of chunked(bomb, [1000])) {
      read += 1
      yield chunk
    }
  }
  const reading = readJson(decompress(body(), 'gzip'), { spool: test.spool, maxText: 1_000_000 })
  await expect(reading).rejects.toMatchObject({ kind: 'too_large' })
  expect(read).toBeLessThan(bomb.length / 1000 / 2)
})
