import { stat } from 'node:fs/promises'
import type { StoredImage } from '../../contract/image.ts'
import { toAppError } from '../base/error.ts'
import { imageFile } from './deliver.ts'
import { extensionOf, fileNameOf } from './export/names.ts'
import { findImage } from './find.ts'
import type { Library } from './library.ts'
import { addressOf } from './objects/elsewhere.ts'
import type { Served, Variant } from './served-memory.ts'

/** The file behind a public picture; undefined when there is no such picture. */
export async function findServed(
  library: Library,
  id: string,
  variant: Variant,
): Promise<Served | undefined> {
  const image = await findImage(library, id)
  if (image === undefined) return undefined
  const { path, mime, suffix } = await fileOf(library, image, variant)
  const size = path === undefined ? image.bytes : (await stat(path)).size
  const { sha256, bytes } = image
  const blob = { sha256, bytes, mime: image.mime }
  const address = suffix === '' && library.objects ? await addressOf(library.objects, blob) : undefined
  const etag = `"${image.sha256}${suffix}"`
  const fileName = fileNameOf({ ...image, mime })
  return { path, blob, address, bytes: size, etag, headers: headersOf(image, mime, etag), fileName }
}

async function fileOf(library: Library, image: StoredImage, variant: Variant) {
  if (variant === 320 || variant === 1280) {
    const path = await library.deriver.thumbnail(image, variant)
    if (path) return { path, mime: 'image/webp', suffix: `-${variant}` }
  } else if (variant !== 'original' && image.mime !== `image/${variant}`) {
    const path = await library.deriver.converted(image, variant, await qualityOf(library, image))
    return { path, mime: `image/${variant}`, suffix: `-${variant}` }
  }
  return { path: await originalPath(library, image), mime: image.mime, suffix: '' }
}

/** A full disk takes nothing back from the object storage, but what lies there can still be read. */
async function originalPath(library: Library, image: StoredImage): Promise<string | undefined> {
  try {
    return (await imageFile(library, image)).path
  } catch (error) {
    if (library.objects && toAppError(error).code === 'insufficient_storage') return undefined
    throw error
  }
}

/** The quality that the job asked for: not the visitor's to choose, or each number would be one more file. */
async function qualityOf(library: Library, image: StoredImage): Promise<number | undefined> {
  const row = await library.database.query
    .selectFrom('task')
    .select('job')
    .where('id', '=', image.taskId)
    .executeTakeFirst()
  const job: { outputCompression?: number } = row ? JSON.parse(row.job) : {}
  return job.outputCompression
}

function headersOf(image: StoredImage, mime: string, etag: string): Record<string, string> {
  return {
    etag,
    'content-type': mime,
    'cache-control': 'public, max-age=31536000, immutable',
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff',
    'content-disposition': `inline; filename="${image.id}.${extensionOf(mime)}"`,
    'last-modified': new Date(image.createdAt).toUTCString(),
    // Chat clients and their browsers show the picture from another origin.
    'access-control-allow-origin': '*',
    'cross-origin-resource-policy': 'cross-origin',
    // Opened by itself, a picture is nothing but a picture.
    'content-security-policy': "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; sandbox",
  }
}
