import { join } from 'node:path'
import { type S3Proxy, startS3Proxy } from '../../../test/upstreams/s3-proxy.ts'
import { openSpoolDirectory } from '../../bytes/spool.ts'
import type { TestEngine } from '../../db/testing.ts'
import { createS3Storage } from '../../storage/s3.ts'
import { testS3Options } from '../../storage/testing.ts'
import { openTestLibrary, type TestLibrary } from '../testing.ts'
import { type Accesses, createAccesses } from './accesses.ts'
import { noFailures, type Objects } from './objects.ts'
import { createOriginals } from './originals.ts'
import { uploadDue } from './uploader.ts'

/** A library in front of an object storage that can be made faulty. */
export interface TestObjects extends TestLibrary {
  objects: Objects
  accesses: Accesses
  proxy: S3Proxy
  /** One round of the uploader. */
  upload(): Promise<{ uploaded: number; failed: number }>
  row(sha256: string): Promise<PlaceRow | undefined>
}

export interface PlaceRow {
  reference_count: number
  remote_state: string | null
  remote_error: string | null
  remote_at: number | null
  local_at: number | null
}

export async function openTestObjects(engine: TestEngine): Promise<TestObjects> {
  const opened = await openTestLibrary(engine)
  const { library, folder } = opened
  const { database, originals: local, clock, log } = library
  const options = testS3Options()
  const proxy = await startS3Proxy(options.endpoint ?? '')
  const spools = await openSpoolDirectory(join(folder, 'fetched'))
  const remote = createS3Storage({ ...options, endpoint: proxy.url })
  const settings: Objects['settings'] = {
    uploads: 4,
    bytesPerSecond: Number.POSITIVE_INFINITY,
    keepDeleted: false,
    redirect: 'off',
  }
  const failures = noFailures()
  const objects: Objects = { database, local, remote, clock, log, settings, failures, wake: () => {} }
  const accesses = createAccesses(objects)
  const originals = createOriginals(objects, accesses, { objects, spools })
  return {
    ...opened,
    library: Object.assign(library, { originals, objects }),
    objects,
    accesses,
    proxy,
    upload: () => uploadDue(objects, new AbortController().signal),
    row: (sha256) =>
      database.query
        .selectFrom('blob')
        .select(['reference_count', 'remote_state', 'remote_error', 'remote_at', 'local_at'])
        .where('sha256', '=', sha256)
        .executeTakeFirst(),
    [Symbol.asyncDispose]: async () => {
      await remote.close()
      await proxy[Symbol.asyncDispose]()
      await spools.close()
      await opened[Symbol.asyncDispose]()
    },
  }
}
