import { randomUUID } from 'node:crypto'
import { close, createReadStream, fdatasync, fsync, open, rename } from 'node:fs'
import { copyFile, mkdir, opendir, readFile, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { promisify } from 'node:util'
import { type ByteRange, checkKey, type FileFacts, isKey, type OpenedFile, type Storage } from './storage.ts'

/**
 * Keeps files in a folder of the local disk, which is made when it is missing. All errors of the file system pass
 * through, `ENOSPC` among them.
 */
export async function openLocalStorage(directory: string): Promise<Storage> {
  const root = resolve(directory)
  const incoming = join(root, INCOMING)
  await mkdir(incoming, { recursive: true, mode: 0o700 })
  await sweep(incoming)
  const pathOf = (key: string) => join(root, checkKey(key))
  const put = createPut(incoming)
  return {
    put: (key, file) => put(file.path, pathOf(key)),
    open: (key, range) => openFile(pathOf(key), range),
    read: (key) => unlessMissing(readFile(pathOf(key))),
    stat: (key) => factsOf(pathOf(key)),
    delete: (key) => rm(pathOf(key), { force: true }),
    list: () => list(root),
    localPath: async (key) => ((await factsOf(pathOf(key))) ? pathOf(key) : undefined),
    free: async () => {
      const { bavail, bsize } = await statfs(root)
      return bavail * bsize
    },
  }
}

/** Half copies from another file system lie here; no key can begin with a dot. */
const INCOMING = '.incoming'

/** A copy that is older, in ms, belongs to a process that died; a younger one may be another process's. */
const ABANDONED = 60 * 60 * 1000

/** Large enough that a picture takes a few reads. */
const READ_SIZE = 512 * 1024

/** The callback functions of fs are twice as cheap as its FileHandle, and `put` is on the way of every picture. */
const files = {
  open: promisify(open),
  close: promisify(close),
  rename: promisify(rename),
  fdatasync: promisify(fdatasync),
  fsync: promisify(fsync),
}

async function sweep(incoming: string): Promise<void> {
  for await (const entry of await opendir(incoming)) {
    const path = join(incoming, entry.name)
    const facts = await factsOf(path)
    if (facts && Date.now() - facts.modifiedAt > ABANDONED) await rm(path, { force: true })
  }
}

/**
 * What a power cut must not undo takes three steps: the bytes (else the name could point at nothing), the new name, and
 * the folder that holds the name; the folder above only when this one is new. There are 65,536 folders, so there is
 * hardly ever a second put to share a folder's sync with, and most of the first 65,536 pictures need a new one: it is
 * made while the bytes are synced. The same name again is simply replaced: looking first would cost every new
 * picture a system call, and replacing mends a damaged file.
 */
function createPut(incoming: string): (source: string, target: string) => Promise<void> {
  const making = new Map<string, Promise<void>>()

  function make(folder: string): Promise<void> {
    const known = making.get(folder)
    if (known !== undefined) return known
    const made = makeFolder(folder).finally(() => making.delete(folder))
    making.set(folder, made)
    return made
  }

  return async (source, target) => {
    const folder = dirname(target)
    await Promise.all([syncFile(source), make(folder)])
    await move(source, target, incoming)
    await syncFolder(folder)
  }
}

/** The folder outlives a power cut once this resolves. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made))
}

async function move(source: string, target: string, incoming: string): Promise<void> {
  try {
    await files.rename(source, target)
  } catch (error) {
    if (codeOf(error) !== 'EXDEV') throw error
    await copy(source, target, join(incoming, randomUUID()))
  }
}

async function copy(source: string, target: string, half: string): Promise<void> {
  try {
    await copyFile(source, half)
    await syncFile(half)
    await files.rename(half, target)
  } finally {
    await rm(half, { force: true })
  }
  await rm(source, { force: true })
}

async function syncFile(path: string): Promise<void> {
  const file = await files.open(path, 'r')
  try {
    await files.fdatasync(file)
  } finally {
    await files.close(file)
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await files.open(path, 'r')
  try {
    await files.fsync(folder)
  } catch (error) {
    // Some network file systems cannot sync a folder; they keep names by themselves.
    if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'ENOTSUP') throw error
  } finally {
    await files.close(folder)
  }
}

async function openFile(path: string, range?: ByteRange): Promise<OpenedFile | undefined> {
  const facts = await factsOf(path)
  return (
    facts && {
      size: facts.bytes,
      stream: () => createReadStream(path, { ...range, highWaterMark: READ_SIZE }),
    }
  )
}

async function factsOf(path: string): Promise<FileFacts | undefined> {
  const found = await unlessMissing(stat(path))
  return found?.isFile() ? { bytes: found.size, modifiedAt: Math.trunc(found.mtimeMs) } : undefined
}

async function* list(root: string): AsyncIterable<FileFacts & { key: string }> {
  for await (const entry of await opendir(root, { recursive: true })) {
    const path = join(entry.parentPath, entry.name)
    const key = relative(root, path).split(sep).join('/')
    const facts = isKey(key) ? await factsOf(path) : undefined
    if (facts) yield { key, ...facts }
  }
}

async function unlessMissing<Result>(found: Promise<Result>): Promise<Result | undefined> {
  try {
    return await found
  } catch (error) {
    if (MISSING.has(codeOf(error))) return undefined
    throw error
  }
}

/** A key may also be the name of a folder, or have a file where it needs a folder. */
const MISSING: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR'])

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined
