import { MAX_INPUT_IMAGES } from '../../contract/job.ts'
import { AppError } from '../base/error.ts'
import type { Outgoing } from '../base/http.ts'
import { OutgoingError } from '../base/outgoing-error.ts'
import { BytesError } from '../bytes/bytes-error.ts'
import { checkPicture } from '../bytes/check-picture.ts'
import type { Spool } from '../bytes/spool.ts'
import { isDataUrl, spoolBase64 } from '../bytes/spool-base64.ts'
import { Spooled } from '../bytes/spooled.ts'
import { imageFile } from '../library/deliver.ts'
import { findImage } from '../library/find.ts'
import type { Library } from '../library/library.ts'
import type { Inputs } from '../providers/provider.ts'
import { MAX_FILE } from './body.ts'

/** The places in a body that hold pictures. */
export interface PictureFields {
  image?: unknown
  images?: unknown
  mask?: unknown
}

export interface PictureSource {
  library: Library
  spool: Spool
  http: Outgoing
  /** Whether pictures of other sites may be fetched. */
  allowExternalImages: boolean
  /** Ends a fetch when the client has gone away. */
  signal: AbortSignal
}

/** The pictures of a request, checked, whatever form they were sent in. Errors name the field. */
export async function readInputs(source: PictureSource, body: PictureFields): Promise<Inputs> {
  const given = [...listed(body.image, 'image'), ...listed(body.images, 'images')]
  if (given.length === 0) throw new AppError('missing_required_parameter', { param: 'image' })
  if (given.length > MAX_INPUT_IMAGES) {
    const detail = `${given.length} pictures were sent, at most ${MAX_INPUT_IMAGES} are allowed.`
    throw new AppError('invalid_value', { param: 'image', values: { detail } })
  }
  const images: Spooled[] = []
  for (const { value, param } of given) images.push(await readPicture(source, value, param))
  const mask = body.mask === undefined ? undefined : await readPicture(source, body.mask, 'mask')
  return { images, mask }
}

const listed = (value: unknown, name: string): { value: unknown; param: string }[] => {
  if (value === undefined) return []
  return Array.isArray(value)
    ? value.map((item, index) => ({ value: item, param: `${name}[${index}]` }))
    : [{ value, param: name }]
}

/** One picture in any form, checked. Errors name `param`. */
export async function readPicture(source: PictureSource, value: unknown, param: string): Promise<Spooled> {
  const picture = await named(param, () => toFile(source, value, param))
  await named(param, () => checkPicture(picture, { types: ACCEPTED, maxBytes: MAX_FILE }))
  return picture
}

const ACCEPTED = ['image/png', 'image/jpeg', 'image/webp'] as const

async function toFile(source: PictureSource, value: unknown, param: string): Promise<Spooled> {
  if (value instanceof Spooled) return value
  if (typeof value === 'string') return fromText(source, value, param)
  if (typeof value === 'object' && value !== null) {
    const holder = value as { url?: unknown; image_url?: unknown; file_id?: unknown }
    if (holder.file_id !== undefined) {
      const detail =
        'files are not kept here; send the picture itself or the URL of a picture of this server.'
      throw new AppError('invalid_value', { param: `${param}.file_id`, values: { detail } })
    }
    const inner = holder.url ?? holder.image_url
    if (inner !== undefined && inner !== null) return toFile(source, inner, param)
  }
  throw new AppError('invalid_image', { param, values: { detail: 'it holds no picture.' } })
}

async function fromText(source: PictureSource, text: string, param: string): Promise<Spooled> {
  const ownId = OWN_URL.exec(text)?.[1]
  const own = ownId === undefined ? undefined : await findImage(source.library, ownId)
  if (own) return imageFile(source.library, own)
  if (/^https?:/i.test(text)) return fetchPicture(source, text, param)
  if (!isDataUrl(text) && text.startsWith('data:')) {
    throw new AppError('invalid_image', {
      param,
      values: { detail: 'only base64 data URLs are understood.' },
    })
  }
  return spoolBase64(text, source.spool)
}

async function fetchPicture(source: PictureSource, url: string, param: string): Promise<Spooled> {
  if (!source.allowExternalImages) throw new AppError('external_image_disabled', { param })
  return downloadPicture(source, url, param)
}

/** Fetches a picture of another site, from public addresses only. Errors name `param`. */
export async function downloadPicture(
  { http, spool, signal }: Pick<PictureSource, 'http' | 'spool' | 'signal'>,
  url: string,
  param: string,
): Promise<Spooled> {
  try {
    const reply = await http.request({
      url,
      method: 'GET',
      headers: { accept: 'image/*' },
      signal,
      timeout: FETCH_TIMEOUT,
      trust: 'guarded',
      maxBytes: MAX_FILE,
    })
    if (reply.status === 200) return await spool.receive(reply.body, { limit: MAX_FILE })
    reply.discard()
    throw new AppError('invalid_image', {
      param,
      values: { detail: `its URL answered with status ${reply.status}.` },
    })
  } catch (error) {
    if (!(error instanceof OutgoingError)) throw error
    const code = error.kind === 'blocked' ? 'blocked_address' : 'invalid_image'
    throw new AppError(code, { param, values: { detail: error.detail }, cause: error })
  }
}

const FETCH_TIMEOUT = 30_000

/** Our own image URLs, under whatever host we were known: the id says it all. */
const OWN_URL = /^(?:https?:\/\/[^/]+)?\/(?:[^?#]*\/)?images\/([0-9a-f-]{36})(?:[/?#.]|$)/i

/** Lets errors of the byte layer name the field. */
async function named<T>(param: string, read: () => Promise<T> | T): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof BytesError) throw new BytesError(error.kind, error.detail, { param, cause: error })
    throw error
  }
}
