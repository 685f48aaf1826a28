import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, describe, expect, test } from 'vitest'
import { pictureKey, type Storage, type StoredFile } from './storage.ts'

/** What every storage does. `open` gives one that may already hold other files. */
export function describeStorage(name: string, open: () => Promise<Storage>): void {
  describe(`${name} storage`, async () => {
    const storage = await open()
    const folder = await mkdtemp(join(tmpdir(), 'pictor-storage-'))
    afterAll(() => rm(folder, { recursive: true }))

    const file = async (bytes: Uint8Array): Promise<StoredFile> => {
      const path = join(folder, randomBytes(8).toString('hex'))
      await writeFile(path, bytes, { mode: 0o600 })
      return { path, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
    }
    const kept = async (bytes: Uint8Array) => {
      const given = await file(bytes)
      const key = pictureKey(given.sha256, 'image/png')
      await storage.put(key, given)
      return key
    }

    test('gives back what was put, whatever becomes of the file', async () => {
      const bytes = randomBytes(1_500_000)
      const given = await file(bytes)
      const key = pictureKey(given.sha256, 'image/png')
      await storage.put(key, given)
      await rm(given.path)
      expect(await storage.read(key)).toEqual(bytes)
      const opened = await storage.open(key)
      expect(opened?.size).toBe(bytes.length)
      expect(opened && (await buffer(opened.stream()))).toEqual(bytes)
      expect((await storage.stat(key))?.bytes).toBe(bytes.length)
    })

    test('gives a part', async () => {
      const bytes = randomBytes(1_000_000)
      const key = await kept(bytes)
      for (const [start, end] of [
        [0, 0],
        [10, 700_000],
        [999_999, 999_999],
        [999_990, 2_000_000],
      ] as const) {
        const opened = await storage.open(key, { start, end })
        expect(opened?.size).toBe(bytes.length)
        expect(opened && (await buffer(opened.stream()))).toEqual(bytes.subarray(start, end + 1))
      }
    })

    test('an empty file is a file', async () => {
      const key = await kept(Buffer.alloc(0))
      expect(await storage.read(key)).toEqual(Buffer.alloc(0))
      expect((await storage.open(key))?.size).toBe(0)
    })

    test('what is not there is undefined', async () => {
      const key = pictureKey(randomBytes(32).toString('hex'), 'image/webp')
      expect(await storage.read(key)).toBeUndefined()
      expect(await storage.open(key)).toBeUndefined()
      expect(await storage.stat(key)).toBeUndefined()
      expect(await storage.localPath(key)).toBeUndefined()
    })

    test('the same key again, also at the same moment', async () => {
      const bytes = randomBytes(300_000)
      const [first, ...more] = await Promise.all([1, 2, 3, 4, 5, 6].map(() => file(bytes)))
      const key = pictureKey(first?.sha256 ?? '', 'image/png')
      await Promise.all([first, ...more].map((given) => given && storage.put(key, given)))
      expect(await storage.read(key)).toEqual(bytes)
      const keys = []
      for await (const entry of storage.list())
        if (entry.key.includes(first?.sha256 ?? '-')) keys.push(entry.key)
      expect(keys).toEqual([key])
    })

    test('delete, also of nothing', async () => {
      const key = await kept(randomBytes(100))
      await storage.delete(key)
      await storage.delete(key)
      expect(await storage.stat(key)).toBeUndefined()
    })

    test('lists all files with their sizes', async () => {
      const keys = await Promise.all([kept(randomBytes(10)), kept(randomBytes(20)), kept(randomBytes(30))])
      const before = Date.now()
      const found = new Map<string, number>()
      for await (const { key, bytes, modifiedAt } of storage.list()) {
        found.set(key, bytes)
        expect(modifiedAt).toBeLessThanOrEqual(before + 60_000)
      }
      expect(keys.map((key) => found.get(key))).toEqual([10, 20, 30])
    })

    test.each([
      '../x',
      '/etc/passwd',
      'a/../b',
      'a//b',
      'a/',
      '',
      '.hidden',
      'a/.b',
      'A',
      'a\\b',
      'a\0b',
      'a\nb',
    ])('refuses the key %j', async (key) => {
      await expect((async () => storage.read(key))()).rejects.toThrow('invalid storage key')
      const given = await file(Buffer.from('x'))
      await expect((async () => storage.put(key, given))()).rejects.toThrow('invalid storage key')
      await rm(given.path)
    })

    test('says how much room there is, or that it does not know', async () => {
      expect((await storage.free()) ?? 1).toBeGreaterThan(0)
    })

    test('a file that is not there cannot be put', async () => {
      const sha256 = randomBytes(32).toString('hex')
      const given = { path: join(folder, 'missing'), bytes: 1, sha256 }
      await expect(storage.put(pictureKey(sha256, 'image/png'), given)).rejects.toThrow('ENOENT')
    })
  })
}
