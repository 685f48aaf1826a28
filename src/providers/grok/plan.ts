import type { ImageJob, Warning } from '../../../contract/job.ts'
import type { Call, Capabilities, Plan, PlanRequest } from '../provider.ts'
import { ProviderError } from '../provider-error.ts'
import { ASPECT_RATIOS, fitAspectRatio } from './aspect-ratio.ts'
import type { GrokRequest } from './request.ts'

/**
 * Most pictures of one socket. Every generation of the upstream draws six for one prompt; the newest takes up to ten,
 * but asks the same of one account, while sockets side by side are spread over the accounts.
 */
const NATIVE_BATCH = 6

export const CAPABILITIES: Capabilities = {
  kind: 'image',
  draws: true,
  maxImages: NATIVE_BATCH,
  // The socket takes words only: pictures sent over it are answered with `invalid_argument`.
  maxReferences: 0,
  sizes: { rule: 'none' },
  aspectRatios: ASPECT_RATIOS,
  qualities: [],
  styles: [],
  backgrounds: [],
  outputFormats: [],
  supports: {
    seed: false,
    mask: false,
    variation: false,
    partialImages: true,
    responseFormat: false,
    outputCompression: false,
    moderation: false,
    inputFidelity: false,
    user: false,
    unknownParameters: false,
  },
  base64Only: false,
}

/**
 * Splits a job over as few sockets as possible, evenly, and names what the upstream does not take.
 * @throws {ProviderError} `bad_param` for anything but drawing from words
 */
export function planCalls({ job, model, inputs }: PlanRequest): Plan {
  if (job.kind !== 'generate' || inputs.images.length > 0) {
    const detail = `${model} draws from words only and takes no pictures`
    throw new ProviderError('bad_param', { param: 'model', detail, code: 'unsupported_operation' })
  }
  const { aspectRatio, warnings } = fitAspectRatio(job)
  const calls = split(job.n).map((images): Call => {
    const previews = job.partialImages ?? 0
    const request = { dialect: 'grok', prompt: job.prompt, aspectRatio, images, previews } as const
    return { images, request: request satisfies GrokRequest }
  })
  return { calls, warnings: [...warnings, ...notTaken(job)] }
}

function split(n: number): number[] {
  const sockets = Math.ceil(n / NATIVE_BATCH)
  return Array.from({ length: sockets }, (_, index) => Math.floor((n + index) / sockets)).reverse()
}

/** `enable_nsfw` among them, whatever a client says. */
function notTaken(job: ImageJob): Warning[] {
  const asked: Record<string, unknown> = {
    quality: job.quality,
    style: job.style,
    background: job.background,
    moderation: job.moderation,
    input_fidelity: job.inputFidelity,
    seed: job.seed,
    ...job.extra,
  }
  return Object.keys(asked)
    .filter((param) => asked[param] !== undefined && asked[param] !== 'auto')
    .map((param) => ({ param, message: 'The model does not take this parameter; it was not sent.' }))
}
