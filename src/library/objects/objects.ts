import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Database } from '../../db/connect.ts'
import type { ObjectStorage } from '../../storage/s3.ts'
import { pictureKey, type Storage } from '../../storage/storage.ts'

/**
 * What it takes to keep pictures in an object storage beside the local disk. `blob.remote_state` says how far it is:
 *
 * - `pending`: to be uploaded; also `failed` with its reason, and `uploading` while one process is at it
 * - `uploaded`: it is there, so the local copy may go
 * - `deleting`: nobody holds it any more, and its object is being removed
 * - null: the operator took the object or the only copy away; whoever brings the bytes again makes it `pending`
 *
 * `remote_at` is when something is to be done next, or, of `uploading` and `deleting`, until when whoever does it is
 * believed to be alive; null when nothing is to be done. `local_at` is when the local copy was last used, null when it is gone.
 */
export interface Objects {
  database: Database
  /** The local disk only. */
  local: Storage
  remote: ObjectStorage
  clock: Clock
  log: Logger
  settings: ObjectSettings
  failures: ObjectFailures
  /** Says that there may be something to upload. */
  wake(): void
}

export interface ObjectSettings {
  /** Uploads at the same time. */
  uploads: number
  /** Most that goes up, so that looking at pictures stays quick; may be infinite. */
  bytesPerSecond: number
  /** Whether objects stay when their pictures are purged. */
  keepDeleted: boolean
  /** Where viewers of uploaded pictures are sent: nowhere, to an address for an hour, or to this one of the bucket. */
  redirect: 'off' | 'presigned' | { publicUrl: string; prefix: string }
}

/** What went wrong since the start, for the metrics. */
export interface ObjectFailures {
  upload: number
  download: number
  /** Objects that should be there and are not. */
  missing: number
  /** Objects that hold other bytes than were uploaded. */
  damaged: number
  delete: number
}

export const noFailures = (): ObjectFailures => ({
  upload: 0,
  download: 0,
  missing: 0,
  damaged: 0,
  delete: 0,
})

/** A row as far as its place is concerned. */
export interface PlacedBlob {
  sha256: string
  mime: string
  bytes: number
}

export const keyOf = ({ sha256, mime }: Pick<PlacedBlob, 'sha256' | 'mime'>): string =>
  pictureKey(sha256, mime)
