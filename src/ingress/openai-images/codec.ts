import type { ImageJob } from '../../../contract/job.ts'
import type { EditRequest, GenerationRequest, VariationRequest } from '../../../contract/openai-images.ts'
import { AppError } from '../../base/error.ts'
import { Spooled, SpooledText } from '../../bytes/spooled.ts'

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
  for (const [name, value] of extra) checkUnknown(name, value)
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

/** Deeper values overflow the stack of older engines when they are written as JSON. */
const DEEPEST = 100

/** What we do not know is kept as JSON in the row of the task, so pictures have no place in it. */
function checkUnknown(param: string, value: unknown): void {
  let level = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST) throw invalid(param, `it is nested deeper than ${DEEPEST} levels.`)
    if (level.some((item) => item instanceof Spooled || item instanceof SpooledText))
      throw invalid(param, "pictures are taken as 'image', 'images' and 'mask' only.")
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []))
  }
}

const invalid = (param: string, detail: string) =>
  new AppError('invalid_value', { param, values: { detail } })

/** Absent and `undefined` are one thing to the reader of a job; only absent survives being stored. */
function withoutUndefined(job: { [Key in keyof ImageJob]: ImageJob[Key] | undefined }): ImageJob {
  return Object.fromEntries(
    Object.entries(job).filter(([, value]) => value !== undefined),
  ) as unknown as ImageJob
}
