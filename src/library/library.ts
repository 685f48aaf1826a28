import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Database } from '../db/connect.ts'
import type { Storage } from '../storage/storage.ts'
import type { Deriver } from './derive/deriver.ts'

/** The parts of the library. */
export interface Library {
  database: Database
  /** Originals, by hash. Never changed. */
  originals: Storage
  /** Thumbnails and converted copies. */
  deriver: Deriver
  clock: Clock
  log: Logger
}
