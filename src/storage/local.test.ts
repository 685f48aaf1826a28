import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { describeStorage } from './conformance.ts'
import { openLocalStorage } from './local.ts'
import { pictureKey } from './storage.ts'

const folder = await mkdtemp(join(tmpdir(), 'pictor-local-'))
afterAll(() => rm(folder, { recursive: true }))

describeStorage('local', () => openLocalStorage(join(folder, 'conformance')))

test('files and folders are for their owner only, and there is a path to the file', async () => {
  const root = join(folder, 'modes')
  const storage = await openLocalStorage(root)
  const key = await keep(storage, join(folder, 'given'))
  expect(await storage.localPath(key)).toBe(join(root, key))
  expect((await stat(join(root, key))).mode & 0o777).toBe(0o600)
  for (const part of ['.', key.slice(0, 2), key.slice(0, 5)]) {
    expect((await stat(join(root, part))).mode & 0o777).toBe(0o700)
  }
})

test('a file from another file system is copied', async () => {
  const root = join(folder, 'copied')
  const storage = await openLocalStorage(root)
  const elsewhere = await mkdtemp('/dev/shm/pictor-')
  try {
    expect((await stat(elsewhere)).dev).not.toBe((await stat(root)).dev)
    const key = await keep(storage, join(elsewhere, 'given'))
    expect((await readFile(join(root, key))).length).toBe(1000)
    expect((await stat(join(root, key))).mode & 0o777).toBe(0o600)
    expect(await readdir(join(root, '.incoming'))).toEqual([])
  } finally {
    await rm(elsewhere, { recursive: true })
  }
})

test('what a crash left is swept at the start, what another process just writes is not', async () => {
  const root = join(folder, 'swept')
  await openLocalStorage(root)
  const old = join(root, '.incoming', 'old')
  await writeFile(old, 'half')
  await writeFile(join(root, '.incoming', 'young'), 'half')
  const hoursAgo = new Date(Date.now() - 2 * 60 * 60 * 1000)
  await utimes(old, hoursAgo, hoursAgo)
  const storage = await openLocalStorage(root)
  expect(await readdir(join(root, '.incoming'))).toEqual(['young'])
  expect(await Array.fromAsync(storage.list())).toEqual([])
})

test('many new folders at once', async () => {
  const storage = await openLocalStorage(join(folder, 'many'))
  const keys = await Promise.all(
    Array.from({ length: 100 }, (_, n) => keep(storage, join(folder, `many-${n}`))),
  )
  for (const key of keys) expect((await storage.stat(key))?.bytes).toBe(1000)
})

test('a key needs a known type and a hash', () => {
  expect(pictureKey('ab'.repeat(32), 'image/jpeg')).toBe(`ab/ab/${'ab'.repeat(32)}.jpg`)
  expect(() => pictureKey('ab'.repeat(32), 'text/html')).toThrow('no key for text/html')
  expect(() => pictureKey('../x', 'image/png')).toThrow('no key')
})

async function keep(storage: Awaited<ReturnType<typeof openLocalStorage>>, path: string): Promise<string> {
  const sha256 = randomBytes(32).toString('hex')
  await writeFile(path, randomBytes(1000), { mode: 0o600 })
  const key = pictureKey(sha256, 'image/png')
  await storage.put(key, { path, bytes: 1000, sha256 })
  return key
}

test('a file that a power cut left short is mended', async () => {
  const root = join(folder, 'mended')
  const storage = await openLocalStorage(root)
  const key = await keep(storage, join(folder, 'given-again'))
  const whole = await readFile(join(root, key))
  await rm(join(folder, 'given-again'), { force: true })
  await writeFile(join(root, key), whole.subarray(0, 400))
  const given = join(folder, 'mending')
  await writeFile(given, whole, { mode: 0o600 })
  await storage.put(key, { path: given, bytes: whole.length, sha256: key.slice(6, 70) })
  expect(await readFile(join(root, key))).toEqual(whole)
})

test('putting a file that others put and remove at the same time never fails', async () => {
  const storage = await openLocalStorage(join(folder, 'removed'))
  const path = join(folder, 'given-and-removed')
  const key = await keep(storage, path)
  const file = { path, bytes: 1000, sha256: key.slice(6, 70) }
  let isPutting = true
  const removing = (async () => {
    while (isPutting) await storage.delete(key)
  })()
  const putting = async () => {
    for (let round = 0; round < 300; round += 1) await storage.put(key, file)
  }
  await Promise.all([putting(), putting(), putting()]).finally(() => {
    isPutting = false
  })
  await removing
  await storage.put(key, file)
  expect((await storage.stat(key))?.bytes).toBe(1000)
})
