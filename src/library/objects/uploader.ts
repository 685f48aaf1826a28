import { setTimeout as sleep } from 'node:timers/promises'
import type { Objects, PlacedBlob } from './objects.ts'
import { createPace } from './pace.ts'
import { claimUploads, release, upload } from './upload.ts'

/** Pauses after failures in a row, in ms: while the storage is down there is no point in trying every picture. */
const FIRST_PAUSE = 500
const LONGEST_PAUSE = 30_000

/** So many rounds in one go; the rest is for the next one. */
const MOST_ROUNDS = 10_000

/**
 * Uploads what is due, so many at a time as the settings say, until nothing is due any more. While the
 * storage fails, each try waits longer than the one before.
 *
 * @returns how many pictures were uploaded and how many could not be
 */
export async function uploadDue(
  objects: Objects,
  signal: AbortSignal,
): Promise<{ uploaded: number; failed: number }> {
  const { uploads, bytesPerSecond } = objects.settings
  const turn = createPace(bytesPerSecond, signal)
  const result = { uploaded: 0, failed: 0 }
  let inARow = 0
  for (let round = 0; round < MOST_ROUNDS && !signal.aborted; round += 1) {
    const claimed = await claimUploads(objects, uploads * 4)
    if (claimed.length === 0) break
    const waiting: PlacedBlob[] = [...claimed]
    const work = async () => {
      for (let blob = waiting.shift(); blob !== undefined; blob = waiting.shift()) {
        await turn(blob.bytes)
        if (signal.aborted) {
          await release(objects, blob)
          continue
        }
        const isGood = await upload(objects, blob, signal)
        result[isGood ? 'uploaded' : 'failed'] += 1
        inARow = isGood ? 0 : inARow + 1
        if (inARow > 0)
          await pause(Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(inARow - 1, 10)), signal)
      }
    }
    await Promise.all(Array.from({ length: uploads }, work))
  }
  return result
}

const pause = (time: number, signal: AbortSignal) =>
  sleep(time, undefined, { signal, ref: false }).catch(() => {})
