import type { StoredImage } from '../../../contract/image.ts'
import type { ImageJob, Warning } from '../../../contract/job.ts'
import type { Spooled } from '../../bytes/spooled.ts'
import { withPrefix } from '../../bytes/write-json.ts'
import type { Finished } from '../../gateway/generate.ts'
import { deliverable, imageUrl, prepareFormat } from '../../library/deliver.ts'
import type { Library } from '../../library/library.ts'
import type { TaskRecord } from '../../tasks/task-table.ts'
import { toUsageMetadata } from './usage.ts'

/** In which form a client gets its pictures. */
export interface Form {
  /** Only links, no bytes. */
  linksOnly: boolean
  /** Our address as the client knows it, without a trailing slash. */
  baseUrl: string
}

/** A part of an answer. A {@link Spooled} stands where its base64 will be. */
export interface Part {
  text?: string
  inlineData?: { mimeType: string | undefined; data: Spooled }
  fileData?: { mimeType: string; fileUri: string }
  thought?: true
  thoughtSignature?: string
}

/** The body of a successful `generateContent`: one candidate for each picture, as there is one for each that was asked for. */
export async function toContentReply(library: Library, { task, images }: Finished, form: Form) {
  const all = await Promise.all(images.map((image) => partsOf(library, image, task.job, form)))
  const candidates = all.map((parts, index) => ({ ...candidate(index, parts), finishReason: 'STOP' }))
  return { candidates, ...closing(task), ...headOf(task, images[0]) }
}

/** One candidate of an answer. */
export const candidate = (index: number, parts: readonly Part[]) => ({
  index,
  content: { role: 'model' as const, parts },
})

/** What every piece of an answer says. */
export const headOf = (task: TaskRecord, image?: StoredImage) => ({
  modelVersion: image?.upstreamModel ?? task.job.model,
  responseId: task.id,
})

/** What the last piece of an answer says. */
export const closing = (task: TaskRecord) => ({
  usageMetadata: toUsageMetadata(task.usage),
  ...warningsOf(task),
})

/**
 * A picture as parts. The link has a part of its own: a part holds one kind of data (it is a `oneof` of Google's protocol
 * buffers), and strict clients refuse one that holds two.
 */
export async function partsOf(
  library: Library,
  image: StoredImage,
  job: ImageJob,
  { linksOnly, baseUrl }: Form,
): Promise<Part[]> {
  const words = image.revisedPrompt ? [{ text: image.revisedPrompt }] : []
  const signature = image.signature === undefined ? {} : { thoughtSignature: image.signature }
  const fileUri = imageUrl(baseUrl, image, job.outputFormat)
  if (linksOnly) {
    await prepareFormat(library, image, job)
    return [...words, { fileData: { mimeType: mimeOf(image, job), fileUri }, ...signature }]
  }
  const picture = await deliverable(library, image, job)
  return [
    ...words,
    { inlineData: { mimeType: picture.mime, data: withPrefix(picture, '') }, ...signature },
    { fileData: { mimeType: mimeOf(image, job), fileUri } },
  ]
}

export const mimeOf = (image: StoredImage, { outputFormat }: ImageJob): string =>
  outputFormat === undefined ? image.mime : `image/${outputFormat}`

/** What was asked for and not done, in the words of this surface. */
export const warningsOf = ({ warnings }: TaskRecord, names = NAMES, more: readonly Warning[] = []) => {
  const all = [...warnings.map((warning) => renamed(warning, names)), ...more]
  return all.length > 0 ? { warnings: all } : {}
}

const renamed = ({ param, ...warning }: Warning, names: Readonly<Record<string, string>>): Warning =>
  param === undefined ? warning : { ...warning, param: names[param] ?? param }

/** What this surface calls the parameters that adapters name as OpenAI does. */
export const NAMES: Readonly<Record<string, string>> = {
  n: 'candidateCount',
  size: 'imageSize',
  image_size: 'imageSize',
  aspect_ratio: 'aspectRatio',
  output_compression: 'compressionQuality',
}
