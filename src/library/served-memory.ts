import { LRUCache } from 'lru-cache'
import type { OutputFormat } from '../../contract/job.ts'
import type { PlacedBlob } from './objects/objects.ts'

/** What is served of a picture: its bytes, a copy in another format, or a thumbnail of this many pixels. */
export type Variant = 'original' | OutputFormat | 320 | 1280

/** A file with the headers under which it goes out. */
export interface Served {
  /** Undefined for an original that the disk has no room for; it is served from the object storage. */
  path: string | undefined
  blob: PlacedBlob
  /** Where viewers are sent instead. */
  address: string | undefined
  bytes: number
  etag: string
  headers: Record<string, string>
  /** What the picture is called when it is saved. */
  fileName: string
}

/** What ids mean, so that a picture that many look at does not cost a query each time. */
export interface ServedMemory {
  get(id: string, variant: Variant): Served | undefined
  set(id: string, variant: Variant, served: Served): void
  /** For pictures whose file is gone: they are to be looked up again. */
  drop(id: string): void
  /** For pictures that are removed: they are not remembered again either, though somebody may just be looking them up. */
  forget(ids: readonly string[]): void
}

/** How long it is remembered what an id means, in ms: another process may have removed the picture. */
const REMEMBER = 10_000
/** Longer than a look-up or a removal takes, in ms. */
const STAY_FORGOTTEN = 60_000

export function createServedMemory(): ServedMemory {
  const remembered = new LRUCache<string, Map<Variant, Served>>({ max: 20_000, ttl: REMEMBER })
  const forgotten = new LRUCache<string, true>({ max: 100_000, ttl: STAY_FORGOTTEN })
  return {
    get: (id, variant) => remembered.get(id)?.get(variant),
    set: (id, variant, served) => {
      if (forgotten.has(id)) return
      const variants = remembered.get(id) ?? new Map<Variant, Served>()
      variants.set(variant, served)
      remembered.set(id, variants, { noUpdateTTL: true })
    },
    drop: (id) => void remembered.delete(id),
    forget: (ids) => {
      for (const id of ids) {
        forgotten.set(id, true)
        remembered.delete(id)
      }
    },
  }
}
