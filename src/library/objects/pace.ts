import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Keeps work at so many bytes per second in the long run, however many do it.
 *
 * @returns a function that takes room for so many bytes and resolves when it is their turn, or at once when the signal is aborted
 */
export function createPace(bytesPerSecond: number, signal: AbortSignal): (bytes: number) => Promise<void> {
  let freeAt = 0
  return async (bytes) => {
    const now = performance.now()
    const turn = Math.max(now, freeAt)
    freeAt = turn + (bytes / bytesPerSecond) * 1000
    if (turn > now) await sleep(turn - now, undefined, { signal, ref: false }).catch(() => {})
  }
}
