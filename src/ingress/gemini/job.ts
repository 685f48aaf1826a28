import {
  type GenerateContentRequest,
  PredictParameters,
  type PredictRequest,
} from '../../../contract/gemini.ts'
import { type ImageJob, MAX_PROMPT_LENGTH, OUTPUT_FORMATS, type Warning } from '../../../contract/job.ts'
import { AppError } from '../../base/error.ts'
import { checkExtra } from '../check-extra.ts'

/** What the gateway fills in where a client is silent. */
export interface JobDefaults {
  /** The model in the path. */
  model: string
  aspectRatio: ImageJob['aspectRatio']
}

type Extra = Readonly<Record<string, unknown>>

/** A body of `generateContent` in the gateway's terms; what we do not know travels along as fields of such a body. */
export function toContentJob(body: GenerateContentRequest, prompt: string, defaults: JobDefaults): ImageJob {
  const { contents: _contents, generationConfig = {}, ...others } = body
  const { candidateCount, seed, responseModalities, imageConfig = {}, ...config } = generationConfig
  const { aspectRatio, imageSize, ...image } = imageConfig
  if (prompt.length > MAX_PROMPT_LENGTH) {
    const values = { got: prompt.length, max: MAX_PROMPT_LENGTH }
    throw new AppError('string_above_max_length', { param: 'contents', values })
  }
  checkModalities(responseModalities)
  return toJob(prompt, defaults, {
    n: candidateCount ?? 1,
    aspectRatio,
    imageSize,
    seed,
    extra: filled({
      ...without(others, 'model'),
      generationConfig: filled({ ...config, imageConfig: filled(image) }),
    }),
  })
}

/** A body of `predict` in the gateway's terms. What we do not know of it is Imagen's alone, and no upstream is asked as Imagen is. */
export function toPredictJob(body: PredictRequest, defaults: JobDefaults): ImageJob {
  const { sampleCount, aspectRatio, imageSize, sampleImageSize, seed, outputOptions } = body.parameters ?? {}
  const { mimeType, compressionQuality } = outputOptions ?? {}
  return toJob(body.instances[0]?.prompt ?? '', defaults, {
    n: sampleCount ?? 1,
    aspectRatio,
    imageSize: imageSize ?? sampleImageSize,
    seed,
    outputFormat: OUTPUT_FORMATS.find((format) => mimeType === `image/${format}`),
    outputCompression: compressionQuality,
  })
}

/** What is said of the parameters of `predict` that nobody takes. */
export function unknownParameters({ parameters = {} }: PredictRequest): Warning[] {
  const names = Object.keys(parameters).filter((name) => !(name in PredictParameters.properties))
  return names.map((param) => ({ param, message: 'No upstream takes this parameter; it was not sent.' }))
}

/** What a job is called once it is known whether it has pictures to draw from. */
export function withKind(job: ImageJob, references: number): ImageJob {
  if (references === 0) return { ...job, kind: 'generate' }
  return { ...job, kind: job.prompt === '' ? 'variation' : 'edit' }
}

type Wishes = { [Key in 'n' | keyof ImageJob]?: ImageJob[Key] | undefined }

function toJob(prompt: string, { model, aspectRatio }: JobDefaults, wishes: Wishes): ImageJob {
  for (const [name, value] of Object.entries(wishes.extra ?? {}))
    checkExtra(name, value, 'parts of `contents`')
  const known = Object.entries({ ...wishes, aspectRatio: wishes.aspectRatio ?? aspectRatio })
  // Absent and `undefined` are one thing to the reader of a job; only absent survives being stored.
  const said: Partial<ImageJob> = Object.fromEntries(known.filter(([, value]) => value !== undefined))
  return { n: 1, ...said, kind: 'generate', dialect: 'gemini', model, prompt }
}

function checkModalities(modalities: readonly string[] | undefined): void {
  if (modalities === undefined || modalities.length === 0 || modalities.includes('IMAGE')) return
  const detail = 'this server answers with pictures, so IMAGE must be among them.'
  throw new AppError('invalid_value', { param: 'generationConfig.responseModalities', values: { detail } })
}

const without = (fields: Extra, name: string): Extra =>
  Object.fromEntries(Object.entries(fields).filter(([field]) => field !== name))

/** The fields that say something; undefined where none does. */
function filled(fields: Extra): Record<string, unknown> | undefined {
  const said = Object.entries(fields).filter(([, value]) => value !== undefined)
  return said.length > 0 ? Object.fromEntries(said) : undefined
}
