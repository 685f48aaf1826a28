import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createLog } from '../base/log.ts'
import { tokensIn, watchAccountFile } from './account-file.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pictor-tokens-'))
})
afterAll(() => rm(folder, { recursive: true }))

test.each<[string, string, string[], number[]]>([
  ['one a line', 'one\ntwo\n', ['one', 'two'], []],
  ['comments, blank lines and spaces', '\ufeff# mine\n\n  one  \r\n#two\r\n', ['one'], []],
  ['with the name of the cookie', 'sso=one;\nsso=two', ['one', 'two'], []],
  ['twice', 'one\ntwo\none', ['one', 'two'], []],
  ['what is no token', 'one\ntwo words\n"quoted"\nthrée\ntwo', ['one', 'two'], [2, 3, 4]],
  ['nothing', '', [], []],
])('tokens of a text: %s', (_, text, tokens, wrong) => {
  expect(tokensIn(text)).toEqual({ tokens, wrong })
})

test('a file is read again when it changes, is replaced, comes back and is gone for good', async () => {
  const path = join(folder, 'key.txt')
  let known: readonly string[] = ['nobody has read it']
  const file = watchAccountFile(path, {
    log: createLog('silent'),
    interval: 20,
    changed: async (tokens) => {
      known = tokens
    },
  })
  const expectTokens = (...tokens: string[]) =>
    vi.waitFor(() => expect(known).toEqual(tokens), { timeout: 10_000, interval: 5 })
  await file.read()
  expect(known).toEqual([])
  await writeFile(path, 'one\n')
  await expectTokens('one')
  await writeFile(path, 'one\ntwo\n')
  await expectTokens('one', 'two')
  // As editors do it.
  await writeFile(`${path}.new`, 'three\n')
  await rename(`${path}.new`, path)
  await expectTokens('three')
  await rm(path)
  await expectTokens()
  await writeFile(path, 'four\n')
  await expectTokens('four')
  file.close()
})

test('a file that is gone for a moment keeps its tokens', async () => {
  const path = join(folder, 'moment.txt')
  await writeFile(path, 'one\n')
  const told: (readonly string[])[] = []
  const file = watchAccountFile(path, {
    log: createLog('silent'),
    interval: 300,
    changed: async (tokens) => {
      told.push(tokens)
    },
  })
  await file.read()
  await rm(path)
  await writeFile(path, 'one\ntwo\n')
  await vi.waitFor(() => expect(told.at(-1)).toEqual(['one', 'two']), { timeout: 10_000 })
  expect(told).not.toContainEqual([])
  file.close()
})

test('a file that cannot be read fails at the start, and later leaves everything as it was', async () => {
  const file = watchAccountFile(folder, { log: createLog('silent'), changed: async () => {} })
  await expect(file.read()).rejects.toThrow(/EISDIR/)
  file.close()
})
