import { chunked } from '../db/chunked.ts'
import type { Gateway } from './gateway.ts'
import { removeImagesOfAnyone } from './remove-images.ts'

/** Rows of one go, and so many goes in one run; the rest is for the next one. */
const BATCH = 200
const MOST_BATCHES = 1000

/** Puts pictures that were made before a time, in ms since the epoch, into the trash; how many there were. */
export async function retireImages(gateway: Gateway, before: number, signal: AbortSignal): Promise<number> {
  let retired = 0
  for (let batch = 0; batch < MOST_BATCHES && !signal.aborted; batch += 1) {
    const found = await gateway.database.query
      .selectFrom('image')
      .select('id')
      .where('id', '<', firstIdAt(before))
      .where('deleted_at', 'is', null)
      .orderBy('id')
      .limit(BATCH)
      .execute()
    const gone = await removeImagesOfAnyone(
      gateway,
      found.map(({ id }) => id),
    )
    retired += gone.length
    if (found.length < BATCH) break
  }
  return retired
}

/** Puts every picture that has one of these bytes into the trash. */
export async function removeImagesOfBlobs(gateway: Gateway, hashes: readonly string[]): Promise<void> {
  for (const some of chunked(hashes)) {
    const found = await gateway.database.query
      .selectFrom('image')
      .select('id')
      .where('sha256', 'in', some)
      .where('deleted_at', 'is', null)
      .execute()
    await removeImagesOfAnyone(
      gateway,
      found.map(({ id }) => id),
    )
  }
}

/** Ids begin with the time at which they were made, so those before it are smaller. */
function firstIdAt(time: number): string {
  const digits = Math.max(0, Math.trunc(time)).toString(16).padStart(12, '0')
  return `${digits.slice(0, 8)}-${digits.slice(8)}`
}
