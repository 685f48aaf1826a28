import type { ImageJob, Warning } from '../../../contract/job.ts'
import type { Spooled } from '../../bytes/spooled.ts'
import { fitSize } from '../fit-size.ts'
import { cannot, notTaken, promptOf, VARIATION_BY_EDIT } from '../plan-words.ts'
import type { Call, Plan, PlanRequest } from '../provider.ts'
import type { Traits } from './traits.ts'

/** One call to the images API, before it is put on the wire. */
export interface ImageRequest {
  route: 'generations' | 'edits' | 'variations'
  /** Everything but the pictures. */
  fields: Readonly<Record<string, unknown>>
  images: readonly Spooled[]
  mask: Spooled | undefined
  form: 'multipart' | 'json'
  jsonEdit: Traits['jsonEdit']
}

/**
 * Works out the calls for a job: at most `maxImages` pictures each, with only what the model takes.
 * @throws ProviderError `bad_param` when the model cannot do it at all
 */
export function planCalls(request: PlanRequest, traits: Traits): Plan {
  const { job, inputs } = request
  const route = routeOf(request, traits)
  const { fields, warnings } = fieldsOf(request, traits, route)
  if (job.kind === 'variation' && route === 'edits') warnings.push(VARIATION_BY_EDIT)
  const mask = route === 'edits' && traits.supports.mask ? inputs.mask : undefined
  if (inputs.mask !== undefined && mask === undefined) warnings.push(notTaken('mask'))
  const shared = {
    route,
    images: inputs.images,
    mask,
    form: formOf(route, traits),
    jsonEdit: traits.jsonEdit,
  }
  const calls = split(job.n, fields.stream === true ? 1 : traits.maxImages).map(
    (images): Call => ({
      images,
      request: { ...shared, fields: { ...fields, n: images } } satisfies ImageRequest,
    }),
  )
  return { calls, warnings }
}

/** Whether a call was made by {@link planCalls}. */
export function isImageRequest(request: unknown): request is ImageRequest {
  return typeof request === 'object' && request !== null && 'route' in request && 'fields' in request
}

/** By the presence of pictures: a reference sent to `generations` is ignored by some relays, and billed. */
function routeOf(
  { job, model, inputs }: PlanRequest,
  { maxReferences, supports }: Traits,
): ImageRequest['route'] {
  const count = inputs.images.length
  if (count === 0 && job.kind === 'generate') return 'generations'
  if (count === 0) throw cannot('image', 'there is no picture to work on')
  if (job.kind === 'variation' && supports.variation) return 'variations'
  if (maxReferences === 0) throw cannot('model', `${model} cannot edit pictures`)
  if (count > maxReferences)
    throw cannot('image', `${model} takes at most ${maxReferences} pictures, not ${count}`)
  return 'edits'
}

function formOf(route: ImageRequest['route'], { editForm }: Traits): ImageRequest['form'] {
  if (route === 'generations') return 'json'
  return route === 'variations' ? 'multipart' : editForm
}

function split(n: number, most: number): number[] {
  const full = Array.from({ length: Math.floor(n / most) }, () => most)
  return n % most === 0 ? full : [...full, n % most]
}

/** Parameters as they will be sent. */
interface Fields {
  fields: Record<string, unknown>
  warnings: Warning[]
}

function fieldsOf({ job, model }: PlanRequest, traits: Traits, route: ImageRequest['route']): Fields {
  const size = fitSize(job, traits)
  const base = { model, ...(route === 'variations' ? {} : { prompt: promptOf(job) }), ...size.fields }
  const format = traits.supports.responseFormat ? { response_format: 'b64_json' } : {}
  // A variation takes neither prompt nor options (OpenAI images API).
  const options = route === 'variations' ? { fields: {}, warnings: [] } : optionsOf(job, traits, route)
  const extra = extraOf(job, traits)
  return {
    fields: { ...extra.fields, ...base, ...options.fields, ...format },
    warnings: [...size.warnings, ...options.warnings, ...extra.warnings],
  }
}

function optionsOf(job: ImageJob, traits: Traits, route: ImageRequest['route']): Fields {
  const { supports } = traits
  const all = [
    choice('quality', nearQuality(job.quality, traits), job.quality, traits),
    choice('style', pick(job.style, traits.styles), job.style, traits),
    choice('background', pick(job.background, traits.backgrounds), job.background, traits),
    // What the upstream does not give is converted later, so nothing is lost.
    quiet('output_format', pick(job.outputFormat, traits.outputFormats)),
    option('output_compression', job.outputCompression, supports.outputCompression),
    option('moderation', job.moderation, supports.moderation),
    option('seed', job.seed, supports.seed),
    route === 'edits' ? option('input_fidelity', job.inputFidelity, supports.inputFidelity) : NOTHING,
    quiet('user', supports.user ? job.user : undefined),
    previews(job.partialImages ?? 0, supports.partialImages),
  ]
  return {
    fields: Object.assign({}, ...all.map(({ fields }) => fields)),
    warnings: all.flatMap(({ warnings }) => warnings),
  }
}

const NOTHING: Fields = { fields: {}, warnings: [] }

function quiet(name: string, value: unknown): Fields {
  return value === undefined ? NOTHING : { fields: { [name]: value }, warnings: [] }
}

function option(name: string, value: unknown, taken: boolean): Fields {
  if (value === undefined) return NOTHING
  return taken ? quiet(name, value) : { fields: {}, warnings: [notTaken(name)] }
}

/** A parameter with a list of values. `auto` means the same as not sending it. */
function choice(name: string, fitted: string | undefined, asked: string | undefined, traits: Traits): Fields {
  if (asked === undefined || (fitted === undefined && asked === 'auto')) return NOTHING
  const value = fitted ?? (traits.supports.unknownParameters ? asked : undefined)
  if (value === undefined) return { fields: {}, warnings: [notTaken(name, asked)] }
  if (value === asked) return quiet(name, value)
  return {
    fields: { [name]: value },
    warnings: [{ param: name, message: `"${asked}" was sent as "${value}".` }],
  }
}

/** The words that different models have for the same thing, nearest first. */
const QUALITIES: Readonly<Record<string, readonly string[]>> = {
  hd: ['hd', 'high', 'medium'],
  high: ['high', 'hd', 'medium'],
  standard: ['standard', 'medium'],
  medium: ['medium', 'standard'],
  low: ['low', 'standard'],
}

function nearQuality(asked: string | undefined, { qualities }: Traits): string | undefined {
  if (asked === undefined) return undefined
  return (QUALITIES[asked] ?? [asked]).find((value) => qualities.includes(value))
}

function pick(asked: string | undefined, known: readonly string[]): string | undefined {
  return asked !== undefined && known.includes(asked) ? asked : undefined
}

function previews(wanted: number, supported: boolean): Fields {
  if (wanted === 0) return NOTHING
  if (!supported) return { fields: {}, warnings: [notTaken('partial_images')] }
  return { fields: { stream: true, partial_images: wanted }, warnings: [] }
}

/** Ours to decide, whatever a caller's extra fields say. */
const RESERVED = new Set([
  'model',
  'prompt',
  'n',
  'stream',
  'image',
  'images',
  'image[]',
  'mask',
  '__proto__',
])

function extraOf({ extra = {}, dialect }: ImageJob, { supports }: Traits): Fields {
  const names = Object.keys(extra).filter((name) => !RESERVED.has(name))
  if (supports.unknownParameters && dialect === 'openai') {
    return { fields: Object.fromEntries(names.map((name) => [name, extra[name]])), warnings: [] }
  }
  return { fields: {}, warnings: names.map((name) => notTaken(name)) }
}
