import type { BatchRequest } from '../../../contract/batch.ts'
import type { ImageJob } from '../../../contract/job.ts'
import { AppError } from '../../base/error.ts'

/** A batch in the gateway's terms. `options` are the fields of the upstream's generation config. */
export function toJob(
  body: BatchRequest,
  references: number,
  defaultAspectRatio: ImageJob['aspectRatio'],
): ImageJob {
  const { seed, ...extra } = readOptions(body.options)
  const aspectRatio = body.aspectRatio ?? defaultAspectRatio
  return {
    kind: references > 0 ? 'edit' : 'generate',
    dialect: 'batch',
    model: body.model,
    prompt: body.prompt,
    n: body.count,
    oneByOne: true,
    ...(aspectRatio ? { aspectRatio } : {}),
    ...(body.imageSize ? { imageSize: body.imageSize } : {}),
    ...(seed === undefined ? {} : { seed: checkSeed(seed) }),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  }
}

/** The options of a job as a batch client wrote them. */
export function optionsOf({ seed, extra }: ImageJob): string {
  return JSON.stringify({ ...(seed === undefined ? {} : { seed }), ...extra })
}

function readOptions(text: string | undefined): Record<string, unknown> {
  if (text === undefined) return {}
  const value = parse(text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw invalid('options', 'it must be a JSON object, such as {"temperature":0.8}.')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalid('options', `it is not valid JSON (${error instanceof Error ? error.message : error}).`)
  }
}

function checkSeed(seed: unknown): number {
  if (typeof seed === 'number' && Number.isSafeInteger(seed) && seed >= 0) return seed
  throw invalid('options.seed', 'it must be a whole number from 0.')
}

const invalid = (param: string, detail: string) =>
  new AppError('invalid_value', { param, values: { detail } })
