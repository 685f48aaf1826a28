import { stat } from 'node:fs/promises'
import type { StoredImage } from '../../contract/image.ts'
import type { ImageJob, OutputFormat } from '../../contract/job.ts'
import { type PictureType, Spooled } from '../bytes/spooled.ts'
import { pictureKey } from '../storage/storage.ts'
import type { Library } from './library.ts'
import { missing } from './missing.ts'

/** The public link of a picture, in another format where one was asked for that the upstream did not give. */
export function imageUrl(baseUrl: string, image: StoredImage, format: OutputFormat | undefined): string {
  return `${baseUrl}/images/${image.id}${isOtherFormat(image, format) ? `?format=${format}` : ''}`
}

/** The stored bytes of a picture as a file on this machine. */
export async function imageFile(library: Library, image: StoredImage): Promise<Spooled> {
  const { sha256, bytes, width, height } = image
  const mime = image.mime as PictureType
  const path = await library.originals.localPath(pictureKey(sha256, mime))
  if (path === undefined) throw missing(sha256)
  return new Spooled({ path, sha256, bytes, mime, width, height, complete: true })
}

/** Makes the copy that a link will point at, where one is needed, so that the link never fails later. */
export async function prepareFormat(library: Library, image: StoredImage, job: ImageJob): Promise<void> {
  if (isOtherFormat(image, job.outputFormat)) await deliverable(library, image, job)
}

/** What a caller gets of a picture: the stored bytes, or a copy in the format that the job asked for. */
export async function deliverable(library: Library, image: StoredImage, job: ImageJob): Promise<Spooled> {
  const format = job.outputFormat
  if (!isOtherFormat(image, format)) return imageFile(library, image)
  const path = await library.deriver.converted(image, format, job.outputCompression)
  const { size } = await stat(path)
  const { sha256, width, height } = image
  return new Spooled({ path, sha256, bytes: size, mime: `image/${format}`, width, height, complete: true })
}

function isOtherFormat(image: StoredImage, format: OutputFormat | undefined): format is OutputFormat {
  return format !== undefined && image.mime !== `image/${format}`
}
