import { randomUUID } from 'node:crypto'
import { close, createReadStream, fsync, link, open, rename } from 'node:fs'
import { copyFile, mkdir, opendir, readFile, rm, stat, statfs, unlink } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { promisify } from 'node:util'
import {
  type ByteRange,
  checkKey,
  type FileFacts,
  isKey,
  type OpenedFile,
  type Storage,
  type StoredFile,
} from './storage.ts'

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
  return {
    put: async (key, file) => put(file, pathOf(key), incoming),
    open: (key, range) => openFile(pathOf(key), range),
    read: (key) => unlessMissing(readFile(pathOf(key))),
    stat: (key) => factsOf(pathOf(key)),
    delete: async (key) => void (await unlessMissing(unlink(pathOf(key)))),
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
  link: promisify(link),
  rename: promisify(rename),
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
 * Gives the file its name, then forces it to the disk: one sync for both, since the journals of ext4, XFS and btrfs
 * write a new name of a file no later than the file. A power cut in between leaves a name that no row knows, and, as
 * the length of a file is not written before its bytes, one that the next `put` finds too short and mends.
 */
async function put(file: StoredFile, target: string, incoming: string, attempts = ATTEMPTS): Promise<void> {
  const named = await name(file, target, incoming)
  if (named === 'before') await mend(file, target, incoming)
  try {
    // A second name is the same file, and the first one is ours alone.
    await syncFile(named === 'linked' ? file.path : target)
  } catch (error) {
    // Somebody removes the same key just now, perhaps a file that was there before.
    if (named === 'linked' || codeOf(error) !== 'ENOENT' || attempts <= 1) throw error
    await put(file, target, incoming, attempts - 1)
  }
}

/** That a file is removed so often while it is put is past belief. */
const ATTEMPTS = 20

/** Makes a second name for the file, or a copy where that cannot be; or there is a file of that name from before. */
async function name(
  file: StoredFile,
  target: string,
  incoming: string,
  isFirst = true,
): Promise<'linked' | 'copied' | 'before'> {
  try {
    await files.link(file.path, target)
    return 'linked'
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EEXIST') return 'before'
    if (LINKLESS.has(code)) return copy(file, target, incoming)
    if (code !== 'ENOENT' || !isFirst) throw error
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    return name(file, target, incoming, false)
  }
}

/** Another file system, or one without second names. */
const LINKLESS: ReadonlySet<unknown> = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK', 'ENOSYS'])

/** The same bytes are there as a rule; a file that a power cut made short is replaced. */
async function mend(file: StoredFile, target: string, incoming: string): Promise<void> {
  if ((await factsOf(target))?.bytes !== file.bytes) await copy(file, target, incoming)
}

async function copy(file: StoredFile, target: string, incoming: string): Promise<'copied'> {
  const half = join(incoming, randomUUID())
  try {
    await copyFile(file.path, half)
    await syncFile(half)
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    await files.rename(half, target)
  } finally {
    await rm(half, { force: true })
  }
  return 'copied'
}

async function syncFile(path: string): Promise<void> {
  const file = await files.open(path, 'r')
  try {
    await files.fsync(file)
  } finally {
    await files.close(file)
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
