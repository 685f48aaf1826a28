import type { ImageJob, Warning } from '../../../contract/job.ts'
import type { Resolution, SizeFields } from '../fit-size.ts'
import { notTaken } from '../plan-words.ts'
import { fieldsOf } from '../read-reply.ts'

/** What was worked out for a job beside its words and pictures. */
export interface Decided {
  size: SizeFields
  /** The tiers that the model has. */
  tiers: readonly Resolution[]
  /** Drafts that are wanted. */
  previews: number
}

/**
 * Everything of a request's body but its contents. A caller who speaks Gemini's dialect has its own fields in it, one of
 * a batch its own options; ours win where both say something.
 */
export function bodySettings(
  job: ImageJob,
  decided: Decided,
): { body: Record<string, unknown>; warnings: Warning[] } {
  const { body, config, warnings } = extraOf(job)
  const { previews } = decided
  const theirs = without(config, previews === 0 ? OURS_IN_CONFIG : [...OURS_IN_CONFIG, 'thinking_config'])
  const image = {
    ...camelCased(config.image_config),
    ...camelCased(config.imageConfig),
    ...imageConfigOf(decided),
  }
  const generationConfig = {
    ...theirs,
    ...(job.seed === undefined ? {} : { seed: job.seed }),
    ...(previews === 0 ? {} : { thinkingConfig: withThoughts(config) }),
    responseModalities: ['TEXT', 'IMAGE'],
    ...(Object.keys(image).length === 0 ? {} : { imageConfig: image }),
  }
  return { body: { ...body, generationConfig }, warnings: [...warnings, ...countWarnings(config)] }
}

/** In both spellings, since Google takes both and refuses a field that comes twice. */
const OURS_IN_CONFIG = [
  ...['responseModalities', 'response_modalities', 'candidateCount', 'candidate_count'],
  ...['imageConfig', 'image_config'],
]
const OURS_IN_BODY = ['model', 'contents', 'generationConfig', 'generation_config']

interface Extra {
  /** Fields of the body. */
  body: Record<string, unknown>
  /** Fields of its generation config. */
  config: Readonly<Record<string, unknown>>
  warnings: Warning[]
}

function extraOf({ extra = {}, dialect }: ImageJob): Extra {
  if (dialect === 'batch') return { body: {}, config: extra, warnings: [] }
  if (dialect === 'gemini') {
    const config = { ...fieldsOf(extra.generation_config), ...fieldsOf(extra.generationConfig) }
    return { body: without(extra, OURS_IN_BODY), config, warnings: [] }
  }
  return { body: {}, config: {}, warnings: Object.keys(extra).map((name) => notTaken(name)) }
}

/** A model with one tier is not told of it. */
function imageConfigOf({ size, tiers }: Decided): Record<string, unknown> {
  const { aspect_ratio: aspectRatio, resolution } = size
  return {
    ...(aspectRatio === undefined ? {} : { aspectRatio }),
    ...(resolution === undefined || tiers.length < 2 ? {} : { imageSize: resolution.toUpperCase() }),
  }
}

function withThoughts(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return {
    ...camelCased(config.thinking_config),
    ...camelCased(config.thinkingConfig),
    includeThoughts: true,
  }
}

/** Several pictures are asked for by several calls, and that is what `n` is for. */
function countWarnings(config: Readonly<Record<string, unknown>>): Warning[] {
  const count = config.candidateCount ?? config.candidate_count ?? 1
  return count === 1 ? [] : [notTaken('candidateCount', String(count))]
}

function without(
  fields: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([name]) => !names.includes(name) && name !== '__proto__'),
  )
}

function camelCased(config: unknown): Record<string, unknown> {
  const entries = Object.entries(fieldsOf(config)).filter(([name]) => name !== '__proto__')
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name.replace(/_(\w)/g, (_match, letter: string) => letter.toUpperCase()),
      value,
    ]),
  )
}
