import type { ImageJob } from '../../../contract/job.ts'
import type { EditModeRequest } from '../../../contract/openai-images.ts'
import { AppError } from '../../base/error.ts'
import type { Inputs } from '../../providers/provider.ts'
import { LARGEST_SIDE } from '../../providers/upscale/enlarged-size.ts'
import { type JobDefaults, toJob } from './codec.ts'

const DEFAULT_MODE = 'style_transfer'
const DEFAULT_STRENGTH = 0.8

/** A request for an edit mode in the gateway's terms. @throws AppError that names a parameter the mode cannot do with, or without */
export function toEditJob(body: EditModeRequest, defaults: JobDefaults): ImageJob {
  const { mode = DEFAULT_MODE, strength = DEFAULT_STRENGTH, ...rest } = body
  const { prompt = '', mask, n = 1 } = rest
  const isUpscale = mode === 'upscale'
  if (prompt === '' && !isUpscale) throw new AppError('missing_required_parameter', { param: 'prompt' })
  if (mask !== undefined && mode !== 'inpainting')
    throw invalid('mask', "only the mode 'inpainting' takes one.")
  if (isUpscale && n > 1) throw invalid('n', 'a picture is upscaled once.')
  // An upscaled picture keeps its shape.
  const own = isUpscale ? { ...defaults, aspectRatio: undefined } : defaults
  return { ...toJob('edit', rest, own), edit: { mode, strength } }
}

/** Whether the pictures of a request suit its mode. @throws AppError that names `image` */
export function checkEditInputs({ edit }: ImageJob, { images }: Inputs): void {
  if (edit?.mode !== 'upscale') return
  const [{ width = 0, height = 0 } = {}, ...others] = images
  if (others.length > 0) throw invalid('image', 'one picture is upscaled at a time.')
  if (Math.max(width, height) >= LARGEST_SIDE)
    throw invalid('image', `it has ${LARGEST_SIDE} pixels or more on its longer side already.`)
}

const invalid = (param: string, detail: string) =>
  new AppError('invalid_value', { param, values: { detail } })
