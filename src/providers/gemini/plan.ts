import type { ImageJob, Warning } from '../../../contract/job.ts'
import type { Spooled } from '../../bytes/spooled.ts'
import { withPrefix } from '../../bytes/write-json.ts'
import { fitSize } from '../fit-size.ts'
import { cannot, notTaken, promptOf, VARIATION_BY_EDIT } from '../plan-words.ts'
import type { Inputs, Plan, PlanRequest } from '../provider.ts'
import { bodySettings } from './generation-config.ts'
import { bareName, type Traits } from './models.ts'

/** One call, before it is put on the wire. */
export interface GeminiRequest {
  model: string
  /** With {@link Spooled} where pictures are. */
  body: Readonly<Record<string, unknown>>
  /** Drafts that are wanted while the picture is made; with any, the answer is a stream. */
  previews: number
}

/**
 * Works out the calls for a job: one for each picture, with only what the model takes.
 * @throws ProviderError `bad_param` when the model cannot do it at all
 */
export function planCalls({ job, model, inputs }: PlanRequest, traits: Traits): Plan {
  checkInputs(job, model, inputs, traits)
  const size = fitSize(job, traits)
  const previews = traits.supports.partialImages ? (job.partialImages ?? 0) : 0
  const settings = bodySettings(job, { size: size.fields, tiers: traits.resolutions, previews })
  const contents = [{ role: 'user', parts: partsOf(job, inputs) }]
  const request: GeminiRequest = { model: bareName(model), body: { ...settings.body, contents }, previews }
  return {
    calls: Array.from({ length: job.n }, () => ({ images: 1, request })),
    warnings: [...size.warnings, ...lost(job, inputs, traits), ...settings.warnings],
  }
}

/** Whether a call was made by {@link planCalls}. */
export function isGeminiRequest(request: unknown): request is GeminiRequest {
  return typeof request === 'object' && request !== null && 'previews' in request && 'body' in request
}

function checkInputs(job: ImageJob, model: string, { images }: Inputs, { maxReferences }: Traits): void {
  if (images.length === 0 && job.kind !== 'generate') throw cannot('image', 'there is no picture to work on')
  if (images.length > maxReferences)
    throw cannot('image', `${model} takes at most ${maxReferences} pictures, not ${images.length}`)
}

/** The pictures in their order, then the words. A picture that the model drew goes with what it wants back. */
function partsOf(job: ImageJob, { images, signatures }: Inputs): unknown[] {
  const pictures = images.map((picture) => {
    const signature = signatures?.get(picture.sha256)
    return {
      inlineData: inline(picture),
      ...(signature === undefined ? {} : { thoughtSignature: signature }),
    }
  })
  return [...pictures, { text: promptOf(job) }]
}

function inline(picture: Spooled) {
  return { mimeType: picture.mime ?? 'image/png', data: withPrefix(picture, '') }
}

/** What was asked for in the words of the images API and has no place here. An output format is converted later. */
function lost(job: ImageJob, { mask }: Inputs, { supports }: Traits): Warning[] {
  const isAsked = (value: unknown) => value !== undefined && value !== 'auto'
  const wishes: [param: string, isLost: boolean, value?: string][] = [
    ['mask', mask !== undefined],
    ['quality', isAsked(job.quality), job.quality],
    ['style', isAsked(job.style), job.style],
    ['background', isAsked(job.background), job.background],
    ['output_compression', isAsked(job.outputCompression)],
    ['moderation', isAsked(job.moderation)],
    ['input_fidelity', job.kind === 'edit' && isAsked(job.inputFidelity)],
    ['partial_images', (job.partialImages ?? 0) > 0 && !supports.partialImages],
  ]
  const warnings = wishes.filter(([, isLost]) => isLost).map(([param, , value]) => notTaken(param, value))
  return job.kind === 'variation' ? [...warnings, VARIATION_BY_EDIT] : warnings
}
