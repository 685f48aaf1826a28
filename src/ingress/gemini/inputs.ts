import type { FastifyRequest } from 'fastify'
import { MAX_INPUT_IMAGES } from '../../../contract/job.ts'
import { AppError } from '../../base/error.ts'
import type { Spooled } from '../../bytes/spooled.ts'
import type { Inputs } from '../../providers/provider.ts'
import { readPicture } from '../pictures.ts'
import type { Surface } from '../surface.ts'
import type { Reference } from './conversation.ts'

export interface Wanted {
  references: readonly Reference[]
  /** More pictures than these are left out; where it is absent, too many are an error. */
  most?: number | undefined
}

/** The pictures that a request refers to, each once, checked, with the upstream state that came along with them. */
export async function collectInputs(
  { gateway, settings }: Surface,
  { references, most }: Wanted,
  { spool }: FastifyRequest,
  signal: AbortSignal,
): Promise<Inputs> {
  const { library, http } = gateway
  const source = { library, http, spool, allowExternalImages: settings.allowExternalImages, signal }
  const pictures = new Map<string, Spooled>()
  const signatures = new Map<string, string>()
  for (const { value, param, signature } of references) {
    if (pictures.size === most) break
    const picture = await readPicture(source, value, param)
    // Our answers name each picture twice, by its bytes and by its link, and clients send them back as they are.
    if (!pictures.has(picture.sha256)) pictures.set(picture.sha256, picture)
    if (signature !== undefined) signatures.set(picture.sha256, signature)
    if (pictures.size > MAX_INPUT_IMAGES) {
      const detail = `at most ${MAX_INPUT_IMAGES} pictures are allowed.`
      throw new AppError('invalid_value', { param: 'contents', values: { detail } })
    }
  }
  return { images: [...pictures.values()], signatures }
}
