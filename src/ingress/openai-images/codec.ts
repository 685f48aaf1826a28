import type { ImageJob } from '../../../contract/job.ts'
import type { EditRequest, GenerationRequest, VariationRequest } from '../../../contract/openai-images.ts'
import { checkExtra } from '../check-extra.ts'

/** The fields of all three requests; each route's schema has checked the ones it takes. */
export type Body = Partial<GenerationRequest & EditRequest & VariationRequest>

/** The parameters of OpenAI's images API that have a place of their own in a job, by their names on the wire. */
const KNOWN = new Set([
  'prompt',
  'model',
  'n',
  'size',
  'aspect_ratio',
  'quality',
  'style',
  'background',
  'output_format',
  'output_compression',
  'moderation',
  'input_fidelity',
  'partial_images',
  'seed',
  'user',
  'response_format',
  // What only concerns the way between us and the client.
  'stream',
  'async',
  'webhook_url',
  'image',
  'images',
  'mask',
])

/** What the gateway fills in where a client is silent. */
export interface JobDefaults {
  /** The gateway's own alias. */
  model: string
  aspectRatio: ImageJob['aspectRatio']
}

/** A request body in the gateway's terms. What we do not know travels along in `extra`. */
export function toJob(kind: ImageJob['kind'], body: Body, defaults: JobDefaults): ImageJob {
  const extra = Object.entries(body).filter(([name]) => !KNOWN.has(name))
  for (const [name, value] of extra) checkExtra(name, value, "'image', 'images' and 'mask'")
  const shapeless = body.size === undefined && body.aspect_ratio === undefined
  return withoutUndefined({
    kind,
    dialect: 'openai',
    model: body.model ?? defaults.model,
    prompt: body.prompt ?? '',
    n: body.n ?? 1,
    size: body.size,
    aspectRatio: body.aspect_ratio ?? (shapeless ? defaults.aspectRatio : undefined),
    quality: body.quality,
    style: body.style,
    background: body.background,
    outputFormat: body.output_format,
    outputCompression: body.output_compression,
    moderation: body.moderation,
    inputFidelity: body.input_fidelity,
    partialImages: body.stream ? body.partial_images : undefined,
    seed: body.seed,
    responseFormat: body.response_format,
    user: body.user,
    extra: extra.length > 0 ? Object.fromEntries(extra) : undefined,
  })
}

/** Absent and `undefined` are one thing to the reader of a job; only absent survives being stored. */
function withoutUndefined(job: { [Key in keyof ImageJob]: ImageJob[Key] | undefined }): ImageJob {
  return Object.fromEntries(
    Object.entries(job).filter(([, value]) => value !== undefined),
  ) as unknown as ImageJob
}
