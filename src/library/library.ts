import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Database } from '../db/connect.ts'
import type { Storage } from '../storage/storage.ts'
import type { Deriver } from './derive/deriver.ts'
import type { Objects } from './objects/objects.ts'
import type { ServedMemory } from './served-memory.ts'

/** The parts of the library. */
export interface Library {
  database: Database
  /** Originals, by hash. Never changed. */
  originals: Storage
  /** Where they are kept beside the local disk, if anywhere. */
  objects?: Objects | undefined
  /** Thumbnails and converted copies. */
  deriver: Deriver
  served: ServedMemory
  clock: Clock
  log: Logger
}
