import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadSecretKey, restoreSecretKey } from './secret.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pictor-secret-'))
})
afterEach(() => rm(directory, { recursive: true }))

test('makes a key once, for its owner alone, and finds it again', async () => {
  const dataDirectory = join(directory, 'not', 'there', 'yet')
  const key = await loadSecretKey({ dataDirectory })
  expect(key.length).toBe(32)
  expect(await loadSecretKey({ dataDirectory })).toEqual(key)
  expect((await stat(join(dataDirectory, 'secret.key'))).mode & 0o777).toBe(0o600)
  expect(await readdir(dataDirectory)).toEqual(['secret.key'])
})

test('processes that start at the same time get the same key', async () => {
  const keys = await Promise.all(Array.from({ length: 8 }, () => loadSecretKey({ dataDirectory: directory })))
  expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1)
  expect(await readdir(directory)).toEqual(['secret.key'])
})

test('SECRET_KEY wins, always gives the same key, and leaves no file', async () => {
  const config = { dataDirectory: directory, secretKey: 'a secret of at least 32 characters' }
  const key = await loadSecretKey(config)
  expect(key.length).toBe(32)
  expect(await loadSecretKey({ ...config, dataDirectory: '/nowhere' })).toEqual(key)
  expect(await loadSecretKey({ ...config, secretKey: 'another secret of 32 characters!' })).not.toEqual(key)
  expect(await readdir(directory)).toEqual([])
})

test('a key of a backup is put back, and takes the place of another one only where that is meant', async () => {
  const config = { dataDirectory: directory }
  const key = Buffer.alloc(32, 1)
  expect(await restoreSecretKey(config, key, false)).toBe(true)
  expect(await restoreSecretKey(config, key, false)).toBe(true)
  expect(await restoreSecretKey(config, Buffer.alloc(32, 2), false)).toBe(false)
  expect(await loadSecretKey(config)).toEqual(key)
  expect(await restoreSecretKey(config, Buffer.alloc(32, 2), true)).toBe(true)
  expect(await loadSecretKey(config)).toEqual(Buffer.alloc(32, 2))
  expect((await stat(join(directory, 'secret.key'))).mode & 0o777).toBe(0o600)
  expect(await readdir(directory)).toEqual(['secret.key'])
})

test('a damaged key file is an error that says so, and is left alone', async () => {
  await writeFile(join(directory, 'secret.key'), 'half a key')
  await expect(loadSecretKey({ dataDirectory: directory })).rejects.toThrow(
    /secret\.key is damaged: it holds 10 bytes/,
  )
  expect((await stat(join(directory, 'secret.key'))).size).toBe(10)
})
