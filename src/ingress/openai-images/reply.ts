import type { StoredImage } from '../../../contract/image.ts'
import type { ImageJob } from '../../../contract/job.ts'
import type { ResponseFormat } from '../../../contract/openai-images.ts'
import type { Spooled } from '../../bytes/spooled.ts'
import { withPrefix } from '../../bytes/write-json.ts'
import type { Finished } from '../../gateway/generate.ts'
import { deliverable, imageUrl, prepareFormat } from '../../library/deliver.ts'
import type { Library } from '../../library/library.ts'

/** In which form a client gets its pictures. */
export interface Form {
  /** `both` is what a stream sends when the client did not choose. */
  format: ResponseFormat | 'both'
  /** Our address as the client knows it, without a trailing slash. */
  baseUrl: string
}

/** One picture as an item of `data`. A {@link Spooled} stands where its base64 will be. */
export interface ImageItem {
  url?: string
  b64_json?: Spooled
  revised_prompt?: string
  sent_prompt?: string
  image_id: string
  image_url: string
}

/** The body of a successful reply. */
export async function toReply(library: Library, { task, images }: Finished, form: Form) {
  const data = await Promise.all(images.map((image) => toItem(library, image, task.job, form)))
  return {
    created: Math.floor(task.createdAt / 1000),
    data,
    ...factsOf(images[0], task.job),
    ...(task.usage ? { usage: task.usage } : {}),
    ...(task.warnings.length > 0 ? { warnings: task.warnings } : {}),
  }
}

/** One picture in the asked form; converted where another format was asked for than the upstream gave. */
export async function toItem(
  library: Library,
  image: StoredImage,
  job: ImageJob,
  { format, baseUrl }: Form,
): Promise<ImageItem> {
  const link = imageUrl(baseUrl, image, job.outputFormat)
  if (format === 'url') await prepareFormat(library, image, job)
  return {
    ...(format === 'b64_json' ? {} : { url: link }),
    ...(format === 'url' ? {} : { b64_json: withPrefix(await deliverable(library, image, job), '') }),
    ...(image.revisedPrompt ? { revised_prompt: image.revisedPrompt } : {}),
    ...(image.sentPrompt ? { sent_prompt: image.sentPrompt } : {}),
    image_id: image.id,
    image_url: link,
  }
}

/** What is true of the picture that the client gets: the upstream's words where it said something, else what was measured. */
export function factsOf(image: StoredImage | undefined, job: ImageJob) {
  if (image === undefined) return {}
  const { background, quality } = image.details
  return {
    ...(typeof background === 'string' ? { background } : {}),
    output_format: job.outputFormat ?? image.mime.replace('image/', ''),
    ...(typeof quality === 'string' ? { quality } : {}),
    size: `${image.width}x${image.height}`,
  }
}
