import { type ImageJob, MAX_INPUT_IMAGES, type Warning } from '../../../contract/job.ts'
import type { Call, Plan, PlanRequest } from '../provider.ts'
import { ProviderError } from '../provider-error.ts'
import { type DemoRequest, MAX_SIDE, MIN_SIDE, type Size } from './request.ts'

/** Most pictures in one call. */
export const MAX_IMAGES = 10

/**
 * Splits a job into calls and names what the painter does not take.
 * @throws {ProviderError} `bad_param` for an edit without a picture, or with too many
 */
export function planCalls({ job, inputs }: PlanRequest): Plan {
  const count = inputs.images.length
  if (count === 0 && job.kind !== 'generate') throw refusal('image', 'there is no picture to work on')
  if (count > MAX_INPUT_IMAGES) throw refusal('image', `at most ${MAX_INPUT_IMAGES} pictures, not ${count}`)
  const { size, warnings } = sizeOf(job)
  const request = {
    prompt: job.prompt,
    size,
    previews: job.partialImages ?? 0,
    format: job.outputFormat ?? 'png',
    quality: Math.min(100, Math.max(1, job.outputCompression ?? 90)),
    references: inputs.images,
    mask: count > 0 ? inputs.mask : undefined,
  }
  const calls = Array.from({ length: Math.ceil(job.n / MAX_IMAGES) }, (_, index): Call => {
    const first = index * MAX_IMAGES
    const images = Math.min(MAX_IMAGES, job.n - first)
    const seed = job.seed === undefined ? undefined : job.seed + first
    return { images, request: { ...request, images, seed } satisfies DemoRequest }
  })
  return { calls, warnings: [...warnings, ...ignored(job)] }
}

function refusal(param: string, detail: string): ProviderError {
  return new ProviderError('bad_param', { param, detail, code: 'unsupported_operation' })
}

function sizeOf({ size, aspectRatio }: ImageJob): { size: Size; warnings: Warning[] } {
  const asked = /^(\d+)x(\d+)$/.exec(size ?? '')
  if (!asked)
    return { size: aspectRatio ? ofRatio(aspectRatio) : { width: 1024, height: 1024 }, warnings: [] }
  const fitted = { width: limited(Number(asked[1])), height: limited(Number(asked[2])) }
  const drawn = `${fitted.width}x${fitted.height}`
  const message = `A side has ${MIN_SIDE} to ${MAX_SIDE} pixels here; ${drawn} was painted instead of ${size}.`
  return { size: fitted, warnings: drawn === size ? [] : [{ param: 'size', message }] }
}

function limited(side: number): number {
  return Math.min(MAX_SIDE, Math.max(MIN_SIDE, side))
}

/** About a megapixel, in steps of 16 as real models have it. */
function ofRatio(ratio: string): Size {
  const [width = 1, height = 1] = ratio.split(':').map(Number)
  const side = (part: number) => Math.round((1024 * Math.sqrt(part)) / 16) * 16
  return { width: side(width / height), height: side(height / width) }
}

function ignored(job: ImageJob): Warning[] {
  const asked: Record<string, unknown> = {
    quality: job.quality,
    style: job.style,
    background: job.background === 'opaque' ? undefined : job.background,
    moderation: job.moderation,
    input_fidelity: job.inputFidelity,
    ...job.extra,
  }
  return Object.keys(asked)
    .filter((param) => asked[param] !== undefined && asked[param] !== 'auto')
    .map((param) => ({ param, message: 'The demo painter does not take this parameter; it was ignored.' }))
}
