import { setTimeout as pause } from 'node:timers/promises'
import { OutgoingError } from '../../base/outgoing-error.ts'
import { checkPicture } from '../../bytes/check-picture.ts'
import { isDataUrl, spoolBase64 } from '../../bytes/spool-base64.ts'
import { Spooled, SpooledText } from '../../bytes/spooled.ts'
import type { CallContext } from '../provider.ts'
import { ProviderError } from '../provider-error.ts'
import { bodyOf } from '../read-reply.ts'
import { authorization, type Upstream } from './send.ts'

/** The longest picture that is downloaded, in bytes. */
const MAX_PICTURE_BYTES = 100 * 1024 * 1024
/** A link may be given out a moment before the file is there. */
const DOWNLOAD_ATTEMPTS = 3
const DOWNLOAD_PAUSE = 500

/**
 * The picture behind whatever an answer holds in its place: base64, with or without `data:` before it, in a field that
 * should hold a link or the other way round; or a link, which is downloaded.
 *
 * @throws ProviderError `no_image` or `upstream_bug`; BytesError when it is no whole picture; OutgoingError
 */
export async function fetchPicture(
  source: unknown,
  upstream: Upstream,
  context: CallContext,
): Promise<Spooled> {
  const picture = await spool(source, upstream, context)
  checkPicture(picture)
  return picture
}

/** The first field of an item that holds a picture; base64 before links, since it is already here. */
export function sourceIn(item: unknown): unknown {
  if (typeof item === 'string' || isSpooled(item)) return item
  if (typeof item !== 'object' || item === null) return undefined
  const fields: Record<string, unknown> = { ...item }
  const found = SOURCE_FIELDS.map((name) => fields[name]).find((value) => isSpooled(value) || isFilled(value))
  return found ?? NESTED_FIELDS.map((name) => inObject(fields[name])).find((value) => value !== undefined)
}

const SOURCE_FIELDS = ['b64_json', 'b64', 'base64', 'url', 'image_url', 'image']
const NESTED_FIELDS = ['image_url', 'image', 'inline_data', 'inlineData', 'source']

/** Google and Anthropic call the base64 itself `data`. */
function inObject(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return sourceIn(value) ?? ('data' in value ? sourceIn(value.data) : undefined)
}

/** Gemini's opaque state, wherever gateways put it beside a picture. */
export function signatureOf(item: unknown): string | undefined {
  if (typeof item !== 'object' || item === null) return undefined
  const { extra_content: extra, thought_signature: snake, thoughtSignature: camel }: Signed = item
  return [extra?.google?.thought_signature, snake, camel].find(isFilled)
}

/** Optional chaining goes past whatever is no object. */
interface Signed {
  extra_content?: { google?: { thought_signature?: unknown } | null } | null
  thought_signature?: unknown
  thoughtSignature?: unknown
}

function isSpooled(value: unknown): value is Spooled | SpooledText {
  return value instanceof Spooled || value instanceof SpooledText
}

function isFilled(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

async function spool(source: unknown, upstream: Upstream, context: CallContext): Promise<Spooled> {
  if (source instanceof Spooled) return source
  if (source instanceof SpooledText) {
    return await spool(
      source.parts.find((part) => part instanceof Spooled),
      upstream,
      context,
    )
  }
  if (!isFilled(source)) {
    throw new ProviderError('no_image', { detail: 'an item of the answer has no picture', maybePaid: true })
  }
  if (/^https?:\/\//i.test(source)) return await download(source, upstream, context)
  if (isDataUrl(source) || !source.includes(':')) return await spoolBase64(source, context.spool)
  throw broken('a link that is neither http nor data')
}

/** Never asks for the picture to be made again: it is paid for. */
async function download(url: string, upstream: Upstream, context: CallContext): Promise<Spooled> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await downloadOnce(url, upstream, context)
    } catch (error) {
      if (attempt === DOWNLOAD_ATTEMPTS || !isPassing(error)) throw error
      await pause(DOWNLOAD_PAUSE * attempt, undefined, { signal: context.signal })
    }
  }
}

/** Without the key at first: a signed link refuses a second credential, and the file server need not know it. */
async function downloadOnce(url: string, upstream: Upstream, context: CallContext): Promise<Spooled> {
  const isOwn = URL.parse(url)?.origin === new URL(upstream.baseUrl).origin
  const ask = (headers: Record<string, string>) =>
    context.http.request({
      url,
      method: 'GET',
      headers: { accept: 'image/*', ...headers },
      signal: context.signal,
      timeout: upstream.timeout,
      trust: isOwn ? upstream.trust : 'guarded',
      proxyUrl: context.account.proxyUrl,
      maxBytes: MAX_PICTURE_BYTES,
    })
  let reply = await ask({})
  if (isOwn && (reply.status === 401 || reply.status === 403)) {
    reply.discard()
    reply = await ask(authorization(context.account.secret))
  }
  if (reply.status === 200) return await context.spool.receive(bodyOf(reply), { limit: MAX_PICTURE_BYTES })
  reply.discard()
  const kind = reply.status >= 500 || reply.status === 404 ? 'network' : 'upstream_bug'
  throw new ProviderError(kind, {
    detail: `the link to the picture answers ${reply.status}`,
    maybePaid: true,
  })
}

function isPassing(error: unknown): boolean {
  return (error instanceof ProviderError || error instanceof OutgoingError) && error.kind === 'network'
}

function broken(detail: string): ProviderError {
  return new ProviderError('upstream_bug', { detail, maybePaid: true })
}
