import type { OutgoingBody, OutgoingReply } from '../../base/http.ts'
import type { Spooled } from '../../bytes/spooled.ts'
import { withPrefix } from '../../bytes/write-json.ts'
import { pictureBody } from '../json-body.ts'
import type { CallContext } from '../provider.ts'
import { MAX_REPLY_BYTES } from '../read-reply.ts'
import { type Part, writeForm } from './multipart.ts'
import type { ImageRequest } from './plan.ts'

export interface Upstream {
  /** Without a slash at the end. */
  baseUrl: string
  /** Milliseconds for one call. */
  timeout: number
  /** `guarded` where the address did not come from the operator. */
  trust: 'operator' | 'guarded'
}

/** Puts one call on the wire. */
export function send(
  upstream: Upstream,
  request: ImageRequest,
  context: CallContext,
): Promise<OutgoingReply> {
  const { contentType, body } = request.form === 'multipart' ? formBody(request) : jsonBody(request)
  return context.http.request({
    url: `${upstream.baseUrl}/images/${request.route}`,
    method: 'POST',
    headers: {
      ...authorization(context.account.secret),
      'content-type': contentType,
      accept: request.fields.stream === true ? 'text/event-stream' : 'application/json',
    },
    body,
    signal: context.signal,
    timeout: upstream.timeout,
    trust: upstream.trust,
    proxyUrl: context.account.proxyUrl,
    maxBytes: MAX_REPLY_BYTES,
  })
}

export function authorization(secret: string): Record<string, string> {
  return secret === '' ? {} : { authorization: `Bearer ${secret}` }
}

interface WireBody {
  contentType: string
  body: OutgoingBody
}

function jsonBody(request: ImageRequest): WireBody {
  const contentType = 'application/json'
  const value = { ...request.fields, ...PICTURE_FIELDS[request.jsonEdit](request) }
  return { contentType, body: request.images.length === 0 ? JSON.stringify(value) : pictureBody(value) }
}

const PICTURE_FIELDS: Record<ImageRequest['jsonEdit'], (request: ImageRequest) => Record<string, unknown>> = {
  xai: ({ images }) => {
    const items = images.map((picture) => ({ url: asDataUrl(picture), type: 'image_url' }))
    if (items.length === 0) return {}
    return items.length === 1 ? { image: items[0] } : { images: items }
  },
  openai: ({ images, mask }) => {
    if (images.length === 0) return {}
    const items = images.map((picture) => ({ image_url: asDataUrl(picture) }))
    return { images: items, ...(mask === undefined ? {} : { mask: { image_url: asDataUrl(mask) } }) }
  },
}

export function asDataUrl(picture: Spooled): Spooled {
  return withPrefix(picture, `data:${picture.mime ?? 'image/png'};base64,`)
}

/** One picture goes as `image`, several as `image[]`, as OpenAI's own library does. */
function formBody({ fields, images, mask }: ImageRequest): WireBody {
  const name = images.length === 1 ? 'image' : 'image[]'
  const parts: Part[] = [
    ...Object.entries(fields).map(([field, value]) => ({ name: field, value: asText(value) })),
    ...images.map((picture) => ({ name, value: picture })),
    ...(mask === undefined ? [] : [{ name: 'mask', value: mask }]),
  ]
  const { contentType, length, chunks } = writeForm(parts)
  return { contentType, body: { stream: chunks(), bytes: length } }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
