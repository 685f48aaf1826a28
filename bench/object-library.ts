import { createHash, randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemClock } from '../src/base/clock.ts'
import { createLog } from '../src/base/log.ts'
import { connect } from '../src/db/connect.ts'
import type { Deriver } from '../src/library/derive/deriver.ts'
import type { Library } from '../src/library/library.ts'
import { noFailures, type Objects } from '../src/library/objects/objects.ts'
import { createServedMemory } from '../src/library/served-memory.ts'
import { openLocalStorage } from '../src/storage/local.ts'
import { createS3Storage } from '../src/storage/s3.ts'
import { pictureKey } from '../src/storage/storage.ts'
import type { S3Address } from './object-server.ts'

/** A library with pictures that nobody has drawn. */
export interface FilledLibrary extends AsyncDisposable {
  library: Library
  objects: Objects
  keys: string[]
  paths: string[]
}

export interface Filling {
  count: number
  bytes: number
  /** Whether they are thought to be in the object storage; else they wait for their upload. */
  uploaded?: boolean
  /** Half of them are uploaded and unused for long, so that the cache can be cleared of them. */
  old?: boolean
}

const NOWHERE = { endpoint: 'http://127.0.0.1:9', bucket: 'b', accessKeyId: 'a', secretAccessKey: 's' }

export async function openFilledLibrary(
  folder: string,
  s3: S3Address | undefined,
  filling: Filling,
): Promise<FilledLibrary> {
  const database = await connect(`sqlite:${join(folder, 'pictor.sqlite')}`)
  await database.migrate()
  const local = await openLocalStorage(join(folder, 'images'))
  const [clock, log] = [systemClock, createLog('silent')]
  const { endpoint, bucket, accessKeyId, secretAccessKey } = s3 ?? NOWHERE
  const prefix = `${randomBytes(6).toString('hex')}/`
  const where = { endpoint, bucket, accessKeyId, secretAccessKey, region: 'auto', prefix, pathStyle: true }
  const remote = createS3Storage(where)
  const settings: Objects['settings'] = {
    ...{ uploads: 4, bytesPerSecond: Number.POSITIVE_INFINITY, keepDeleted: false, redirect: 'off' },
  }
  const objects: Objects = {
    database,
    local,
    remote,
    clock,
    log,
    settings,
    failures: noFailures(),
    wake: () => {},
  }
  const served = createServedMemory()
  const library: Library = { database, originals: local, objects, deriver: IDLE, served, clock, log }
  const hashes = await fill(library, folder, filling)
  const keys = hashes.map((sha256) => pictureKey(sha256, 'image/png'))
  return {
    library,
    objects,
    keys,
    paths: keys.map((key) => join(folder, 'images', key)),
    [Symbol.asyncDispose]: async () => {
      await remote.close()
      await database.close()
    },
  }
}

async function fill({ database }: Library, folder: string, filling: Filling): Promise<string[]> {
  const { count, bytes, uploaded = false, old = false } = filling
  const now = Date.now() - 3_600_000
  const hashes: string[] = []
  for (let start = 0; start < count; start += 500) {
    const rows = []
    for (let index = start; index < Math.min(count, start + 500); index += 1) {
      const content = randomBytes(bytes)
      const sha256 = createHash('sha256').update(content).digest('hex')
      const path = join(folder, 'images', pictureKey(sha256, 'image/png'))
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, content)
      hashes.push(sha256)
      rows.push(row(sha256, bytes, now + index, uploaded || (old && index % 2 === 0)))
    }
    await database.query.insertInto('blob').values(rows).execute()
  }
  return hashes
}

const row = (sha256: string, bytes: number, now: number, isUploaded: boolean) => ({
  ...{
    sha256,
    bytes,
    mime: 'image/png',
    width: 1,
    height: 1,
    reference_count: 1,
    thumbhash: null,
    phash: null,
  },
  ...{ derived_at: now, derive_error: null, created_at: now, remote_attempts: 0, local_at: now },
  remote_state: isUploaded ? ('uploaded' as const) : ('pending' as const),
  remote_at: isUploaded ? null : now,
})

const IDLE: Deriver = {
  wake: () => {},
  thumbnail: async () => undefined,
  converted: async () => {
    throw new Error('nothing is converted here')
  },
  remove: async () => {},
  close: async () => {},
}
