import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSpoolDirectory, type Spool, type SpoolDirectory } from './spool.ts'
import { Spooled, SpooledText } from './spooled.ts'

/** A spool in a temporary folder, for tests. */
export interface TestSpool extends AsyncDisposable {
  directory: SpoolDirectory
  spool: Spool
  /** Names of the files that are there now. */
  files(): Promise<string[]>
}

export async function openTestSpool(): Promise<TestSpool> {
  const root = await mkdtemp(join(tmpdir(), 'pictor-bytes-'))
  const directory = await openSpoolDirectory(root)
  return {
    directory,
    spool: directory.scope(),
    files: async () => {
      const entries = await readdir(root, { recursive: true, withFileTypes: true })
      return entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
    },
    async [Symbol.asyncDispose]() {
      await directory.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** Bytes that look random and are the same every time. */
export function noise(length: number, seed = 1): Buffer {
  const block = Buffer.alloc(length)
  let state = seed * 2654435761 + 1
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    block[at] = state >>> 24
  }
  return block
}

/** The header of a PNG of the given size, noise, and the end of a PNG: a picture as far as `bytes/` looks. */
export function fakePng(length: number, seed = 1, width = 640, height = 480): Buffer {
  const head = Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1')
  const size = Buffer.alloc(8)
  size.writeUInt32BE(width, 0)
  size.writeUInt32BE(height, 4)
  const end = Buffer.from('\0\0\0\0IEND\xae\x42\x60\x82', 'latin1')
  return Buffer.concat([head, size, noise(Math.max(0, length - 36), seed), end])
}

/** The bytes in pieces of these sizes, over and over. */
export async function* chunked(
  bytes: Uint8Array | string,
  sizes: readonly number[] = [65_536],
): AsyncIterable<Uint8Array> {
  const whole = Buffer.from(bytes)
  for (let at = 0, index = 0; at < whole.length; index++) {
    const size = Math.max(1, sizes[index % sizes.length] ?? 1)
    yield whole.subarray(at, at + size)
    at += size
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The value with each `Spooled` as `{ prefix, base64 }` of the bytes in its file, each `SpooledText` as a list. */
export async function unspool(value: unknown): Promise<unknown> {
  if (value instanceof Spooled) {
    const bytes = await readFile(value.path)
    if (sha256(bytes) !== value.sha256 || bytes.length !== value.bytes)
      throw new Error('The hash or length is wrong')
    return { prefix: value.prefix, base64: bytes.toString('base64') }
  }
  if (value instanceof SpooledText) return await Promise.all(value.parts.map(unspool))
  if (Array.isArray(value)) return await Promise.all(value.map(unspool))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(async ([key, item]) => [key, await unspool(item)] as const)
  return Object.fromEntries(await Promise.all(entries))
}
