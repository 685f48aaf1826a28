import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OutputFormat } from '../../../contract/job.ts'
import type { Clock } from '../../base/clock.ts'
import { toAppError } from '../../base/error.ts'
import type { Logger } from '../../base/log.ts'
import type { PictureType } from '../../bytes/spooled.ts'
import type { Database } from '../../db/connect.ts'
import { pictureKey, type Storage } from '../../storage/storage.ts'
import { missing } from '../missing.ts'
import type { DerivePool } from './derive-pool.ts'
import type { ThumbnailSize } from './make-derivatives.ts'

/** Files that are made from originals and can always be made again. */
export interface Deriver {
  /** Says that there may be new blobs to work on. */
  wake(): void
  /** Path of a thumbnail, made now if it is not there yet; undefined where the picture cannot be decoded. */
  thumbnail(blob: Blob, size: ThumbnailSize): Promise<string | undefined>
  /** Path of a copy in another format, made now if it is not there yet. `quality` in percent. */
  converted(blob: Blob, format: OutputFormat, quality: number | undefined): Promise<string>
  /** Removes everything that was made from an original. */
  remove(sha256: string): Promise<void>
  /** Ends the background work. */
  close(): Promise<void>
}

/** An original, as far as deriving needs to know it. */
export interface Blob {
  sha256: string
  mime: string
}

export interface DeriverParts {
  database: Database
  originals: Storage
  /** Where derived files are kept. */
  directory: string
  pool: DerivePool
  clock: Clock
  log: Logger
}

/** How long to wait for new blobs that another process may have added, in ms. */
const LOOK_EVERY = 30_000
/** What says nothing about the picture. */
const PASSING: ReadonlySet<string> = new Set(['insufficient_storage', 'object_unavailable'])
/** A short pause lets the reply go out before its picture is worked on. */
const PAUSE = 50
const BATCH = 32

export function createDeriver(parts: DeriverParts): Deriver {
  const closing = new AbortController()
  const running = new Map<string, Promise<unknown>>()
  let awake = Promise.withResolvers<void>()

  /** The same work asked for twice at once is done once. */
  function once<T>(key: string, work: () => Promise<T>): Promise<T> {
    const current = running.get(key) as Promise<T> | undefined
    if (current) return current
    const started = work().finally(() => running.delete(key))
    running.set(key, started)
    return started
  }

  const path = ({ sha256 }: Pick<Blob, 'sha256'>, name: string) =>
    join(parts.directory, sha256.slice(0, 2), sha256.slice(2, 4), `${sha256}.${name}`)
  const thumbnailPath = (blob: Blob, size: ThumbnailSize) => path(blob, `${size}.webp`)

  async function derive(blob: Blob): Promise<void> {
    const source = await sourceOf(parts.originals, blob)
    const { thumbhash, phash } = await parts.pool.derive(
      { source, target: (size) => thumbnailPath(blob, size) },
      closing.signal,
    )
    await mark(parts.database, blob, { thumbhash, phash, derived_at: parts.clock.now() })
  }

  /** A picture that cannot be decoded is marked, so that it is not tried for ever; other failures are tried again. */
  async function deriveOrMark(blob: Blob): Promise<boolean> {
    try {
      await once(blob.sha256, () => derive(blob))
      return true
    } catch (error) {
      if (closing.signal.aborted) return false
      const { code, message } = toAppError(error)
      parts.log.warn({ err: error, sha256: blob.sha256 }, 'no thumbnail could be made')
      if (!PASSING.has(code)) await mark(parts.database, blob, { derive_error: message })
      return false
    }
  }

  async function work(): Promise<void> {
    while (!closing.signal.aborted) {
      const blobs = await underived(parts.database)
      for (const blob of blobs) {
        if (closing.signal.aborted) return
        await deriveOrMark(blob)
      }
      if (blobs.length === BATCH) continue
      await Promise.race([
        awake.promise,
        sleep(LOOK_EVERY, undefined, { ref: false, signal: closing.signal }),
      ])
      awake = Promise.withResolvers()
      await sleep(PAUSE, undefined, { signal: closing.signal })
    }
  }
  const worker = work().catch((error: unknown) => {
    if (!closing.signal.aborted) parts.log.error({ err: error }, 'making thumbnails stopped')
  })

  return {
    wake: () => awake.resolve(),
    thumbnail: async (blob, size) => {
      const target = thumbnailPath(blob, size)
      if (await exists(target)) return target
      return (await deriveOrMark(blob)) ? target : undefined
    },
    converted: (blob, format, quality) => {
      const target = path(blob, `${quality === undefined ? '' : `q${quality}.`}${format}`)
      return once(target, async () => {
        if (await exists(target)) return target
        await mkdir(dirname(target), { recursive: true, mode: 0o700 })
        // libvips is large; many servers never convert.
        const { convertPicture } = await import('./convert.ts')
        await convertPicture(await sourceOf(parts.originals, blob), target, format, quality)
        return target
      })
    },
    remove: async (sha256) => {
      // What is just being made would come after.
      await running.get(sha256)?.catch(() => {})
      await removeFiles(dirname(path({ sha256 }, '')), `${sha256}.`)
    },
    close: async () => {
      closing.abort()
      await worker
      await parts.pool.close()
    },
  }
}

async function removeFiles(folder: string, beginning: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  const doomed = names.filter((name) => name.startsWith(beginning))
  for (const name of doomed) await rm(join(folder, name), { force: true })
}

async function sourceOf(originals: Storage, { sha256, mime }: Blob): Promise<string> {
  const path = await originals.localPath(pictureKey(sha256, mime as PictureType))
  if (path === undefined) throw missing(sha256)
  return path
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )

function underived({ query }: Database): Promise<Blob[]> {
  return query
    .selectFrom('blob')
    .select(['sha256', 'mime'])
    .where('derived_at', 'is', null)
    .where('derive_error', 'is', null)
    .orderBy('created_at')
    .limit(BATCH)
    .execute()
}

type Marks = { thumbhash?: string; phash?: string; derived_at?: number; derive_error?: string }

async function mark({ query }: Database, { sha256 }: Blob, marks: Marks): Promise<void> {
  await query.updateTable('blob').set(marks).where('sha256', '=', sha256).execute()
}
