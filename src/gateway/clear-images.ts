import { newId } from '../base/id.ts'
import { listImages } from '../library/list.ts'
import type { Gateway } from './gateway.ts'
import { removeImagesOfAnyone } from './remove-images.ts'

/** Pictures of one transaction: few enough that others get their turn. */
const BATCH = 500

/**
 * Deletes every picture that there is at the moment, whoever owns it; what is drawn meanwhile stays. Their bytes stay in the
 * trash for a while.
 *
 * @returns how many there were
 */
export async function clearImages(gateway: Gateway): Promise<number> {
  let before: string | undefined = newId()
  let deleted = 0
  while (before !== undefined) {
    const found = await listImages(gateway.library, { limit: BATCH, before })
    const ids = found.map(({ id }) => id)
    deleted += (await removeImagesOfAnyone(gateway, ids)).length
    before = ids.at(-1)
  }
  return deleted
}
