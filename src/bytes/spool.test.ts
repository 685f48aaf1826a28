import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openSpoolDirectory } from './spool.ts'
import { chunked, fakePng, noise, openTestSpool, sha256 } from './testing.ts'

test('chunks of any size come together in a file with their hash', async () => {
  await using test = await openTestSpool()
  for (const length of [0, 1, 262_143, 262_144, 262_145, 3_000_000]) {
    const bytes = noise(length)
    const file = await test.spool.receive(chunked(bytes, [1, 70_000, 600_000]))
    expect(file).toMatchObject({ bytes: length, sha256: sha256(bytes), mime: undefined, prefix: '' })
    expect((await readFile(file.path)).equals(bytes)).toBe(true)
  }
})

test('a chunk may be used again at once', async () => {
  await using test = await openTestSpool()
  const writer = test.spool.writer()
  const chunk = Buffer.alloc(100_000)
  for (let index = 0; index < 20; index++) await writer.write(chunk.fill(index))
  const file = await writer.finish()
  expect((await readFile(file.path)).every((byte, at) => byte === Math.floor(at / 100_000))).toBe(true)
})

test('many writers at once do not mix their bytes', async () => {
  await using test = await openTestSpool()
  const all = Array.from({ length: 50 }, (_, index) => fakePng(600_000 + index, index))
  const files = await Promise.all(all.map((bytes) => test.spool.receive(chunked(bytes, [50_000]))))
  expect(files.map((file) => file.sha256)).toEqual(all.map(sha256))
  const written = await Promise.all(files.map(async (file) => sha256(await readFile(file.path))))
  expect(written).toEqual(all.map(sha256))
})

test('a limit is exact', async () => {
  await using test = await openTestSpool()
  expect(await test.spool.receive(chunked(noise(1000)), { limit: 1000 })).toMatchObject({ bytes: 1000 })
  const tooLarge = test.spool.receive(chunked(noise(1001)), { limit: 1000 })
  await expect(tooLarge).rejects.toMatchObject({ kind: 'too_large' })
  expect(await test.files()).toHaveLength(1)
})

test('a scope removes its files, open ones too, but not those that were moved away', async () => {
  await using test = await openTestSpool()
  const kept = await test.spool.receive(chunked(noise(1000)))
  await test.spool.receive(chunked(noise(1000)))
  await test.spool.writer().write(noise(1_000_000))
  const moved = `${kept.path}.kept`
  await rename(kept.path, moved)
  await test.spool[Symbol.asyncDispose]()
  await test.spool[Symbol.asyncDispose]()
  expect(await test.files()).toEqual([moved.split('/').at(-1)])
  expect(() => test.spool.writer()).toThrow()
})

test('what is written after the end of a scope leaves no file', async () => {
  await using test = await openTestSpool()
  const writer = test.spool.writer()
  await writer.write(noise(300_000))
  await test.spool[Symbol.asyncDispose]()
  await expect(async () => await writer.write(noise(1_000_000))).rejects.toThrow()
  await expect(writer.finish()).rejects.toThrow()
  expect(await test.files()).toEqual([])
})

test('what is finished after the end of its scope leaves the next one whole', async () => {
  await using test = await openTestSpool()
  const scope = test.directory.scope()
  const writer = scope.writer()
  await writer.write(noise(10))
  await scope[Symbol.asyncDispose]()
  await expect(writer.finish()).rejects.toThrow()
  expect(await test.spool.receive(chunked(noise(300_000)))).toMatchObject({ sha256: sha256(noise(300_000)) })
})

test('a disk that fails is an error that says so', async () => {
  await using test = await openTestSpool()
  const writer = test.spool.writer()
  await writer.write(noise(10))
  const file = await writer.finish()
  await rm(file.path.replace(/[^/]+$/, ''), { recursive: true })
  await writeFile(file.path.replace(/\/[^/]+$/, ''), 'a file where the folder was')
  await expect(test.spool.receive(chunked(noise(2_000_000), [100_000]))).rejects.toMatchObject({
    code: 'ENOTDIR',
  })
})

test('a folder that was cleaned away comes back', async () => {
  await using test = await openTestSpool()
  const first = await test.spool.receive(chunked(noise(10)))
  await rm(first.path.replace(/[^/]+$/, ''), { recursive: true })
  expect(await test.spool.receive(chunked(noise(10)))).toMatchObject({ bytes: 10 })
})

test('what dead processes left behind is removed, what lives is not', async () => {
  const root = await mkdtemp(join(tmpdir(), 'pictor-spool-'))
  const host = hostname().replaceAll(/[^\w.-]/g, '_')
  const dead = spawnSync(process.execPath, ['-e', '']).pid
  const names = {
    dead: `${host}~${dead}~1~a`,
    living: `${host}~${process.ppid}~1~a`,
    predecessor: `${host}~${process.pid}~1~a`,
    elsewhere: 'other-host~1~1~a',
    elsewhereOld: 'other-host~2~1~a',
  }
  for (const name of Object.values(names)) {
    await mkdir(join(root, name))
    await writeFile(join(root, name, '1'), 'x')
  }
  const twoDaysAgo = new Date(Date.now() - 2 * 24 * 3600 * 1000)
  await utimes(join(root, names.elsewhereOld), twoDaysAgo, twoDaysAgo)
  const sibling = await openSpoolDirectory(root)
  const directory = await openSpoolDirectory(root)
  const left = await readdir(root)
  expect(left).toHaveLength(4)
  expect(left).toEqual(expect.arrayContaining([names.living, names.elsewhere]))
  expect(
    (await stat(join(root, left.find((name) => name.includes(`~${process.pid}~`)) ?? ''))).mode & 0o777,
  ).toBe(0o700)
  await sibling.close()
  await directory.close()
  expect((await readdir(root)).toSorted()).toEqual([names.elsewhere, names.living].toSorted())
  await rm(root, { recursive: true })
})

test('what somebody else writes is taken over, and nothing of it is left behind', async () => {
  await using spool = await openTestSpool()
  const taken = await spool.spool.take((path) => writeFile(path, 'written elsewhere'))
  expect(taken.bytes).toBe(17)
  expect(await readFile(taken.path, 'utf8')).toBe('written elsewhere')
  const failed = spool.spool.take(async (path) => {
    await writeFile(path, 'half')
    throw new Error('no more')
  })
  await expect(failed).rejects.toThrow('no more')
  expect(await spool.files()).toHaveLength(1)
})
