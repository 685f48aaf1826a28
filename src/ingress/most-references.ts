import { type ImageJob, MAX_INPUT_IMAGES } from '../../contract/job.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { route } from '../gateway/route.ts'

/** How many pictures the model takes; one that takes none still draws, as it did before there was a picture in the chat. */
export function mostReferences(gateway: Gateway, job: ImageJob): number {
  const { candidates } = route(gateway, { ...job, kind: 'generate' })
  return Math.min(
    MAX_INPUT_IMAGES,
    Math.max(...candidates.map(({ capabilities }) => capabilities.maxReferences)),
  )
}
