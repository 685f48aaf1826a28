import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { hashFile, readLines, writeLines } from './lines.ts'

const folder = await mkdtemp(join(tmpdir(), 'pictor-lines-'))
afterAll(() => rm(folder, { recursive: true }))
const path = join(folder, 'lines')

async function* each(lines: Iterable<string>): AsyncGenerator<string> {
  yield* lines
}

test('lines come back as they went in, also long ones and ones with other line ends in them', async () => {
  const lines = [
    '',
    'a',
    'b\rc\u2028d\u2029',
    '狐狸🦊'.repeat(100_000),
    ...Array.from({ length: 5000 }, String),
  ]
  const written = await writeLines(path, each(lines))
  expect(await Array.fromAsync(readLines(path))).toEqual(lines)
  const bytes = await readFile(path)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  expect(written).toEqual({ lines: lines.length, bytes: bytes.length, sha256 })
  expect(await hashFile(path)).toBe(sha256)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test('no lines, and a last line without its end', async () => {
  expect((await writeLines(path, each([]))).lines).toBe(0)
  expect(await Array.fromAsync(readLines(path))).toEqual([])
  await writeFile(path, 'a\nb')
  expect(await Array.fromAsync(readLines(path))).toEqual(['a', 'b'])
})
