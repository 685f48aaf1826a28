import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import yauzl from 'yauzl'
import { writeZip, type ZipFile } from './write-zip.ts'

const TIME = Date.UTC(2026, 10, 24, 12, 34, 57)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pictor-zip-'))
})
afterAll(() => rm(folder, { recursive: true }))

const file = (name: string, bytes: Buffer, cut = bytes.length): ZipFile => ({
  name,
  bytes: bytes.length,
  crc32: crc32(bytes),
  modifiedAt: TIME,
  content: [bytes.subarray(0, cut), bytes.subarray(cut)].filter(({ length }) => length > 0),
})

async function* each(files: readonly ZipFile[]) {
  yield* files
}

const LAZY = { lazyEntries: true, autoClose: false }

async function contentOf(archive: yauzl.ZipFile, entry: yauzl.Entry | undefined): Promise<Buffer> {
  if (entry === undefined) throw new Error('there is no such entry')
  return buffer(await archive.openReadStreamPromise(entry))
}

const written = async (files: readonly ZipFile[]) =>
  Buffer.concat(await Array.fromAsync(writeZip(each(files))))

test('an independent reader finds every entry, byte for byte, with its name and time', async () => {
  const files = [
    file('a.png', Buffer.from('first'), 2),
    file('空/狐.png', Buffer.alloc(100_000, 7)),
    file('empty.txt', Buffer.alloc(0)),
  ]
  const archive = await yauzl.fromBufferPromise(await written(files), LAZY)
  const found = []
  for await (const entry of archive.eachEntry()) {
    expect(entry.compressionMethod).toBe(0)
    expect(entry.getLastModDate()).toEqual(new Date(TIME))
    // Sizes stand in front, so nothing follows the bytes.
    expect(entry.generalPurposeBitFlag & 0x8).toBe(0)
    const bytes = await contentOf(archive, entry)
    expect(crc32(bytes)).toBe(entry.crc32)
    found.push([entry.fileName, bytes.length])
  }
  expect(found).toEqual(files.map(({ name, bytes }) => [name, bytes]))
})

test('an archive of nothing is one', async () => {
  expect((await yauzl.fromBufferPromise(await written([]))).entryCount).toBe(0)
})

test('more entries than the old format can count', async () => {
  const names = Array.from({ length: 70_000 }, (_, index) => `${index}.txt`)
  const archive = await yauzl.fromBufferPromise(
    await written(names.map((name) => file(name, Buffer.from(name)))),
    LAZY,
  )
  expect(archive.entryCount).toBe(70_000)
  let last: yauzl.Entry | undefined
  let count = 0
  for await (const entry of archive.eachEntry()) {
    last = entry
    count += 1
  }
  expect(count).toBe(70_000)
  expect((await contentOf(archive, last)).toString()).toBe('69999.txt')
})

test('more than 4 GiB: what lies behind is found', async () => {
  const zeros = Buffer.alloc(16 * 1024 * 1024)
  const large = (name: string, bytes: number): ZipFile => ({
    ...{ name, bytes, crc32: 0, modifiedAt: TIME },
    content: Array.from({ length: bytes / zeros.length }, () => zeros),
  })
  const end = file('end.txt', Buffer.from('the end'))
  const path = join(folder, 'large.zip')
  await writeSparse(path, writeZip(each([large('one', 5 * GiB), large('two', GiB), end])), zeros)
  const archive = await yauzl.openPromise(path, LAZY)
  const entries = await Array.fromAsync(archive.eachEntry())
  expect(entries.map(({ fileName, uncompressedSize }) => [fileName, uncompressedSize])).toEqual([
    ['one', 5 * GiB],
    ['two', GiB],
    ['end.txt', 7],
  ])
  const header = entries[0] && (await archive.readLocalFileHeaderPromise(entries[0]))
  expect(header).toMatchObject({ versionNeededToExtract: 45, uncompressedSize: 0xffffffff })
  expect(await contentOf(archive, entries[2])).toEqual(Buffer.from('the end'))
  archive.close()
})

const GiB = 1024 ** 3

/** A file with holes where the content is `zeros`, so that it takes no room. */
async function writeSparse(path: string, chunks: AsyncIterable<Uint8Array>, zeros: Uint8Array) {
  await using target = await open(path, 'w')
  let position = 0
  for await (const chunk of chunks) {
    if (chunk !== zeros) await target.write(chunk, 0, chunk.length, position)
    position += chunk.length
  }
}

test('content of another length than was said is an error, not a broken archive', async () => {
  for (const length of [4, 6]) {
    const wrong = { ...file('a.png', Buffer.from('12345')), content: [Buffer.alloc(length)] }
    await expect(written([wrong])).rejects.toThrow('a.png is not 5 bytes long')
  }
})
