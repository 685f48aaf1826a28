import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/error.ts'
import type { Storage } from '../storage/storage.ts'

/** How much room there is on the disk for new pictures. */
export interface Room {
  /** Free bytes, as of some seconds ago; 0 when the disk does not answer, undefined where it cannot be known. */
  free(): Promise<number | undefined>
  /**
   * Refuses new pictures before anything is paid for them.
   *
   * @throws {AppError} `insufficient_storage`
   */
  check(): Promise<void>
}

/** Below so many free bytes no new picture is begun: it would hardly fit. */
export const LEAST_ROOM = 4 * 1024 * 1024
/** Below so many the health and the metrics raise the alarm. */
export const LOW_ROOM = 64 * 1024 * 1024

/** How long an answer of the disk is good for, in ms. */
const FRESH = 2_000

export function createRoom(originals: Pick<Storage, 'free'>, clock: Clock): Room {
  let known: { at: number; bytes: number | undefined } | undefined
  const free = async () => {
    const now = clock.now()
    // Only that there is plenty is remembered: an operator who has made room need not wait.
    if (known === undefined || Math.abs(now - known.at) >= FRESH || (known.bytes ?? LOW_ROOM) < LOW_ROOM)
      known = { at: now, bytes: await originals.free().catch(() => 0) }
    return known.bytes
  }
  return {
    free,
    check: async () => {
      const bytes = await free()
      if (bytes !== undefined && bytes < LEAST_ROOM) throw new AppError('insufficient_storage')
    },
  }
}
