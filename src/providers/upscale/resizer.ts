import type { OutputFormat, Warning } from '../../../contract/job.ts'
import { AppError } from '../../base/error.ts'
import type { Spool } from '../../bytes/spool.ts'
import type { Spooled } from '../../bytes/spooled.ts'
import { NO_SUPPORT } from '../no-support.ts'
import { cannot } from '../plan-words.ts'
import type { Call, CallContext, Capabilities, ImageEvent, Plan, PlanRequest, Provider } from '../provider.ts'
import { ProviderError } from '../provider-error.ts'
import { enlargedSize, LARGEST_SIDE } from './enlarged-size.ts'

/** The name of the filter, as the one model of {@link createResizer}. */
export const LANCZOS = 'lanczos3'

/** Writes a larger copy of a picture. `side`: pixels of the longer one. */
export type Enlarge = (
  picture: { source: string; target: string; side: number; format: OutputFormat },
  signal: AbortSignal,
) => Promise<void>

const CAPABILITIES: Capabilities = {
  kind: 'image',
  draws: true,
  maxImages: 1,
  maxReferences: 1,
  sizes: { rule: 'free', step: 1, max: LARGEST_SIDE },
  aspectRatios: [],
  qualities: [],
  styles: [],
  backgrounds: [],
  outputFormats: ['png', 'jpeg', 'webp'],
  supports: NO_SUPPORT,
  base64Only: false,
}

/** One picture to be made larger. */
interface ResizeRequest {
  picture: Spooled
  side: number
  format: OutputFormat
}

/** A provider without a model: it makes pictures larger with a filter. It serves no model, so nobody is offered it by name. */
export function createResizer(enlarge: Enlarge): Provider {
  return {
    name: 'resize',
    accounts: [{ id: 'resize', secret: '' }],
    models: () => [],
    serves: () => false,
    capabilities: () => CAPABILITIES,
    plan,
    run: async function* (call: Call, context: CallContext): AsyncIterable<ImageEvent> {
      const { request } = call
      if (!isResizeRequest(request)) throw new TypeError('This call was planned by another provider')
      const picture = await resize(enlarge, request, context)
      yield { type: 'image', index: 0, picture, details: { filter: LANCZOS } }
    },
  }
}

/** What the caller is told of a picture that no model made larger. */
export const RESIZED: Warning = {
  param: 'mode',
  message: 'No model gave a larger picture, so the picture was resized with the Lanczos filter.',
}

function plan({ job, inputs }: PlanRequest): Plan {
  const [picture] = inputs.images
  if (picture === undefined) throw cannot('image', 'there is no picture to work on')
  const { width, height } = enlargedSize(picture, job.size)
  const request: ResizeRequest = {
    picture,
    side: Math.max(width, height),
    format: job.outputFormat ?? formatOf(picture),
  }
  return { calls: Array.from({ length: job.n }, () => ({ images: 1, request })), warnings: [RESIZED] }
}

const isResizeRequest = (request: unknown): request is ResizeRequest =>
  typeof request === 'object' && request !== null && 'side' in request && 'picture' in request

function formatOf({ mime }: Spooled): OutputFormat {
  if (mime === 'image/jpeg') return 'jpeg'
  return mime === 'image/webp' ? 'webp' : 'png'
}

async function resize(
  enlarge: Enlarge,
  { picture, side, format }: ResizeRequest,
  { spool, signal }: { spool: Spool; signal: AbortSignal },
): Promise<Spooled> {
  try {
    return await spool.take((target) => enlarge({ source: picture.path, target, side, format }, signal))
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'invalid_image') throw error
    throw new ProviderError('bad_param', {
      param: 'image',
      detail: 'it cannot be decoded.',
      cause: error,
    })
  }
}
