import type { Clock } from './base/clock.ts'
import type { Logger } from './base/log.ts'
import type { SpoolDirectory } from './bytes/spool.ts'
import type { Config } from './config.ts'
import type { Database } from './db/connect.ts'
import { type Accesses, createAccesses } from './library/objects/accesses.ts'
import { noFailures, type Objects } from './library/objects/objects.ts'
import { createOriginals } from './library/objects/originals.ts'
import { createS3Storage } from './storage/s3.ts'
import type { Storage } from './storage/storage.ts'

/** Where originals are kept. */
export interface Keeping {
  originals: Storage
  objects: Objects | undefined
  /** Undefined where nothing ever leaves the local disk. */
  accesses: Accesses | undefined
}

export interface KeepingParts {
  database: Database
  local: Storage
  spools: SpoolDirectory
  clock: Clock
  log: Logger
}

/** The local disk, and the object storage behind it where one is configured. */
export function createKeeping(config: Config, parts: KeepingParts): Keeping {
  const { local, spools } = parts
  const objects = config.objects && createObjects(config, config.objects, parts)
  if (objects === undefined && config.localCacheOnlyCopies === 'keep')
    return { originals: local, objects, accesses: undefined }
  const accesses = createAccesses(parts)
  const source = objects && { objects, spools }
  return { originals: createOriginals(parts, accesses, source), objects, accesses }
}

function createObjects(config: Config, bucket: NonNullable<Config['objects']>, parts: KeepingParts): Objects {
  const { database, local, clock, log } = parts
  const publicUrl = config.s3PublicUrl
  return {
    database,
    local,
    remote: createS3Storage(bucket),
    clock,
    log,
    settings: {
      uploads: config.s3Uploads,
      bytesPerSecond:
        config.s3UploadMegabytes > 0 ? config.s3UploadMegabytes * 1024 * 1024 : Number.POSITIVE_INFINITY,
      keepDeleted: config.s3KeepDeleted,
      redirect: publicUrl === undefined ? config.s3Redirect : { publicUrl, prefix: bucket.prefix },
    },
    failures: noFailures(),
    wake: () => {},
  }
}
