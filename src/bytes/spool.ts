import { createReadStream } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { BufferPool } from './buffer-pool.ts'
import { SpoolWriter } from './spool-writer.ts'
import type { Spooled } from './spooled.ts'

export type { SpoolWriter } from './spool-writer.ts'

/** Whatever is older belongs to nobody any more: no request lives as long. */
const FORGOTTEN_AFTER_MS = 24 * 60 * 60 * 1000

/** Enough for any picture that a model draws or a camera takes. */
const DEFAULT_LIMIT = 512 * 1024 * 1024

export interface SpoolWriterOptions {
  /** Most bytes of the file; default 512 MiB. */
  limit?: number | undefined
}

/**
 * Opens the folder in which pictures wait while their request runs, with a subfolder for this process,
 * and removes what processes that are gone left behind. Must be on the same file system as the storage,
 * so that a picture can be kept by renaming it.
 */
export async function openSpoolDirectory(directory: string): Promise<SpoolDirectory> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await removeForgotten(directory)
  const folder = join(directory, [...ownName(), crypto.randomUUID()].join(SEPARATOR))
  await mkdir(folder, { mode: 0o700 })
  return new SpoolDirectory(folder)
}

/** The spool of a process. */
export class SpoolDirectory {
  readonly #folder: string
  readonly #pool = new BufferPool()
  readonly #scopes = new Set<Spool>()
  #files = 0

  /** Use {@link openSpoolDirectory}. */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** What one request may write; dispose of it when the request is over. */
  scope(): Spool {
    const scope = new Spool({
      path: () => this.#path(),
      create: (limit) => new SpoolWriter(this.#path(), this.#pool, limit),
      disposed: () => this.#scopes.delete(scope),
    })
    this.#scopes.add(scope)
    return scope
  }

  #path(): string {
    this.#files += 1
    return join(this.#folder, String(this.#files))
  }

  /** Disposes of every scope and removes the folder of this process. */
  async close(): Promise<void> {
    await Promise.all([...this.#scopes].map((scope) => scope[Symbol.asyncDispose]()))
    await rm(this.#folder, { recursive: true, force: true })
  }
}

interface SpoolOwner {
  /** Of a new file. */
  path(): string
  create(limit: number): SpoolWriter
  disposed(): void
}

/** Owns the files of one request: disposing of it removes those that nobody moved away. */
export class Spool {
  readonly #owner: SpoolOwner
  readonly #writers: SpoolWriter[] = []
  #disposed = false

  /** Use {@link SpoolDirectory.scope}. */
  constructor(owner: SpoolOwner) {
    this.#owner = owner
  }

  /** Whether a picture is just being written. */
  get isWriting(): boolean {
    return this.#writers.some((writer) => writer.isOpen)
  }

  /** A new file. */
  writer(options: SpoolWriterOptions = {}): SpoolWriter {
    if (this.#disposed) throw new Error('The spool of this request is closed')
    const writer = this.#owner.create(options.limit ?? DEFAULT_LIMIT)
    this.#writers.push(writer)
    return writer
  }

  /** Spools a whole stream, e.g. a download. An error of the stream passes through. */
  async receive(stream: AsyncIterable<Uint8Array>, options: SpoolWriterOptions = {}): Promise<Spooled> {
    const writer = this.writer(options)
    try {
      for await (const chunk of stream) {
        const wait = writer.write(chunk)
        if (wait !== undefined) await wait
      }
      return await writer.finish()
    } catch (error) {
      await writer.abort()
      throw error
    }
  }

  /** Spools what somebody else writes to the path that they are given; it is gone afterwards. */
  async take(write: (path: string) => Promise<void>): Promise<Spooled> {
    const path = this.#owner.path()
    try {
      await write(path)
      return await this.receive(createReadStream(path))
    } finally {
      await rm(path, { force: true })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true
    this.#owner.disposed()
    await Promise.all(this.#writers.splice(0).map((writer) => writer.abort()))
  }
}

const SEPARATOR = '~'

/** Host, process, and when it started: in a container every process may be number 1. */
function ownName(): [host: string, pid: string, started: string] {
  const host = hostname().replaceAll(/[^\w.-]/g, '_')
  return [host, String(process.pid), String(Math.round(performance.timeOrigin))]
}

async function removeForgotten(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (await isForgotten(directory, name)) await rm(join(directory, name), { recursive: true, force: true })
  }
}

async function isForgotten(directory: string, name: string): Promise<boolean> {
  const [host, pid, started] = name.split(SEPARATOR)
  const own = ownName()
  if (host === own[0] && pid === own[1]) return started !== own[2]
  if (host === own[0] && !isAlive(Number(pid))) return true
  const facts = await stat(join(directory, name)).catch(() => undefined)
  return facts !== undefined && Date.now() - facts.mtimeMs > FORGOTTEN_AFTER_MS
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
