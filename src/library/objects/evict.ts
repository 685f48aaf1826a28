import type { RemoteState } from '../../db/schema.ts'
import type { Library } from '../library.ts'
import { keyOf, type PlacedBlob } from './objects.ts'
import { measureUsage } from './usage.ts'

export interface CacheLimits {
  /** How long a local copy stays after its last use, in ms; for ever if undefined. */
  lifetime?: number | undefined
  /** Most bytes of local copies; any number if undefined. */
  bytes?: number | undefined
  /**
   * Called with pictures whose only copies were removed, as the operator wished: to remove what points at them. Without it
   * no only copy is ever touched.
   */
  onlyCopiesGone?: ((hashes: readonly string[]) => Promise<void>) | undefined
}

export interface Evicted {
  files: number
  bytes: number
}

/** Down to this part of the limit, so that not every new picture sets off the next pass. */
const DOWN_TO = 0.9
/** What was used so lately, in ms, is left alone: somebody may be about to read it. */
const JUST_USED = 5 * 60_000
/** Rows of one transaction: the files are removed in it, and nobody shall wait long. */
const STEP = 50
/** So many steps in one pass; the rest is for the next one. */
const MOST_STEPS = 10_000

/**
 * Frees the local disk: copies unused for longer than their lifetime, then, above the size limit, those unused for longest.
 * Only copies whose object is known to be in the object storage; see {@link CacheLimits.onlyCopiesGone}.
 *
 * A copy is removed while its row is locked and says `uploaded`. Whoever adds the same bytes meanwhile waits for the
 * row and then looks whether the file is there, as in `purge.ts`; whoever just reads it has it open, or brings it back.
 */
export async function evict(library: Library, limits: CacheLimits, signal: AbortSignal): Promise<Evicted> {
  const evicted = { files: 0, bytes: 0 }
  const states: State[] = limits.onlyCopiesGone ? ['uploaded', 'failed', 'pending', null] : ['uploaded']
  const now = library.clock.now()
  if (limits.lifetime !== undefined) {
    const before = now - limits.lifetime + 1
    for (const state of states) await evictSome(state, before, Number.POSITIVE_INFINITY)
  }
  if (limits.bytes !== undefined && !signal.aborted) {
    const { localBytes } = await measureUsage(library.database, signal)
    const excess = localBytes > limits.bytes ? localBytes - limits.bytes * DOWN_TO : 0
    const goal = evicted.bytes + excess
    for (const state of states) await evictSome(state, now - JUST_USED, goal)
  }
  return evicted

  async function evictSome(state: State, before: number, goal: number): Promise<void> {
    for (let step = 0; step < MOST_STEPS && evicted.bytes < goal && !signal.aborted; step += 1) {
      const found = await oldest(library, state, before)
      const gone = await removeCopies(library, state, upTo(found, goal - evicted.bytes), before)
      evicted.files += gone.length
      for (const { bytes } of gone) evicted.bytes += bytes
      if (state !== 'uploaded') await limits.onlyCopiesGone?.(gone.map(({ sha256 }) => sha256))
      if (found.length < STEP || gone.length === 0) return
    }
  }
}

/** Null for pictures that the operator keeps from the object storage. */
type State = RemoteState | null

const oldest = ({ database }: Library, state: State, before: number): Promise<PlacedBlob[]> =>
  database.query
    .selectFrom('blob')
    .select(['sha256', 'mime', 'bytes'])
    .where('remote_state', state === null ? 'is' : '=', state)
    .where('local_at', '<', before)
    .orderBy('local_at')
    .limit(STEP)
    .execute()

/** As many of them as it takes. */
function upTo(blobs: readonly PlacedBlob[], goal: number): PlacedBlob[] {
  let sum = 0
  return blobs.filter(({ bytes }) => {
    const isNeeded = sum < goal
    sum += bytes
    return isNeeded
  })
}

async function removeCopies(
  library: Library,
  state: State,
  blobs: readonly PlacedBlob[],
  before: number,
): Promise<PlacedBlob[]> {
  if (blobs.length === 0) return []
  const { database, originals } = library
  const gone = state === 'uploaded' ? { local_at: null } : { local_at: null, ...GIVEN_UP }
  return database.query.transaction().execute(async (query) => {
    // By primary key alone: along another index SQLite would walk through everything that is cached.
    const rows = await query
      .selectFrom('blob')
      .select(['sha256', 'mime', 'bytes', 'remote_state', 'local_at'])
      .where(
        'sha256',
        'in',
        blobs.map(({ sha256 }) => sha256),
      )
      .orderBy('sha256')
      .modifyEnd(database.facts.forUpdate)
      .execute()
    const locked = rows.filter(
      (row) => row.remote_state === state && row.local_at !== null && row.local_at < before,
    )
    await Promise.all(locked.map((blob) => originals.delete(keyOf(blob))))
    const hashes = locked.map(({ sha256 }) => sha256)
    if (hashes.length > 0) await query.updateTable('blob').set(gone).where('sha256', 'in', hashes).execute()
    return locked
  })
}

const GIVEN_UP = {
  remote_state: null,
  remote_error: 'removed from the local disk before it was uploaded, as LOCAL_CACHE_ONLY_COPIES allows',
  remote_at: null,
} as const
