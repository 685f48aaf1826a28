import type { OutgoingReply } from '../../base/http.ts'
import { readEvents } from '../../bytes/read-events.ts'
import { readJson } from '../../bytes/read-json.ts'
import { SpooledText } from '../../bytes/spooled.ts'
import type { CallContext, ImageEvent } from '../provider.ts'
import { ProviderError } from '../provider-error.ts'
import { bodyOf, mediaTypeOf, parseJson, readText } from '../read-reply.ts'
import { holdsError, toProviderError } from './errors.ts'
import { fetchPicture, sourceIn } from './picture-source.ts'
import type { Upstream } from './send.ts'

/** Error bodies are short; what is longer is a web page. */
const MAX_ERROR_BYTES = 64 * 1024

/**
 * Reads the answer to an image call, whatever was asked for: its type says whether it is JSON, a stream or a picture.
 * At least one `image` or `blocked` comes, or it throws.
 */
export async function* parseReply(
  reply: OutgoingReply,
  upstream: Upstream,
  context: CallContext,
): AsyncIterable<ImageEvent> {
  const type = mediaTypeOf(reply)
  if (reply.status >= 300 || type === 'text/html') throw await failureOf(reply, context)
  if (type === 'text/event-stream') return yield* parseStream(reply, upstream, context)
  if (type.startsWith('image/')) {
    const source = await context.spool.receive(bodyOf(reply))
    return yield* picturesOf({ data: [source] }, upstream, context)
  }
  const body = await readJson(bodyOf(reply), { spool: context.spool })
  if (itemsOf(body).length === 0 && holdsError(body)) throw errorIn(body, reply, context)
  yield* picturesOf(body, upstream, context)
}

export async function failureOf(reply: OutgoingReply, context: CallContext): Promise<ProviderError> {
  const text = await readText(reply, MAX_ERROR_BYTES)
  return toProviderError({ ...reply, body: parseJson(text), text, secret: context.account.secret })
}

function errorIn(body: unknown, reply: OutgoingReply, context: CallContext): ProviderError {
  const text = typeof body === 'string' ? body : ''
  return toProviderError({ ...reply, body, text, secret: context.account.secret })
}

/** A whole answer. One picture that cannot be had does not lose the others: its error comes after them. */
async function* picturesOf(
  body: unknown,
  upstream: Upstream,
  context: CallContext,
): AsyncIterable<ImageEvent> {
  const items = itemsOf(body)
  const details = detailsOf(body)
  const pending = items.map((item, index) => settle(pictureEvent(item, index, details, upstream, context)))
  let failure: unknown
  for (const promise of pending) {
    const result = await promise
    if (result.status === 'fulfilled') yield result.value
    else failure ??= result.reason
  }
  yield* usageOf(body)
  if (failure !== undefined) throw failure
  if (items.length === 0)
    throw new ProviderError('no_image', { detail: 'the answer holds no picture', maybePaid: true })
}

async function settle<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> {
  const [result] = await Promise.allSettled([promise])
  return result
}

async function pictureEvent(
  item: unknown,
  index: number,
  details: Readonly<Record<string, unknown>>,
  upstream: Upstream,
  context: CallContext,
): Promise<Extract<ImageEvent, { type: 'image' | 'blocked' }>> {
  const fields = fieldsOf(item)
  if (fields.respect_moderation === false)
    return { type: 'blocked', reason: 'withheld by the moderation of the upstream' }
  const picture = await fetchPicture(sourceIn(item), upstream, context)
  const revised = fields.revised_prompt
  const revisedPrompt = typeof revised === 'string' && revised !== '' ? { revisedPrompt: revised } : {}
  return { type: 'image', index, picture, ...revisedPrompt, details }
}

/** OpenAI's `data`, the `images` of some relays, or a chat answer that came on this route. */
function itemsOf(body: unknown): readonly unknown[] {
  const { data, images, choices } = fieldsOf(body)
  if (Array.isArray(data)) return data
  if (Array.isArray(images)) return images
  if (data !== undefined && data !== null) return itemsOf(data)
  return Array.isArray(choices) ? choices.flatMap(itemsOfChoice) : []
}

function itemsOfChoice(choice: unknown): readonly unknown[] {
  const { images, content } = fieldsOf(fieldsOf(choice).message)
  if (Array.isArray(images)) return images
  if (content instanceof SpooledText) return content.parts.filter((part) => typeof part !== 'string')
  return Array.isArray(content) ? content.filter((part) => sourceIn(part) !== undefined) : []
}

/** What the upstream says that it made. */
function detailsOf(body: unknown): Record<string, unknown> {
  const fields = fieldsOf(body)
  const known = ['size', 'quality', 'background', 'output_format'].filter(
    (name) => typeof fields[name] === 'string',
  )
  return Object.fromEntries(known.map((name) => [name, fields[name]]))
}

function* usageOf(body: unknown): Iterable<ImageEvent> {
  const { usage } = fieldsOf(body)
  if (typeof usage === 'object' && usage !== null) yield { type: 'usage', usage: { ...usage } }
}

/** `image_generation.*` and `image_edit.*`. Previews that come after the picture are of no use any more. */
async function* parseStream(
  reply: OutgoingReply,
  upstream: Upstream,
  context: CallContext,
): AsyncIterable<ImageEvent> {
  let finished = 0
  for await (const { event, data } of readEvents(bodyOf(reply), { spool: context.spool })) {
    if (event === 'error' || fieldsOf(data).error) throw errorIn(data, reply, context)
    if (typeof data !== 'object') continue // `[DONE]`
    const type = String(fieldsOf(data).type ?? event)
    const items = itemsOf(data)
    if (type.endsWith('.partial_image')) {
      if (finished === 0) yield* previewOf(data, upstream, context)
    } else if (items.length > 0) {
      for await (const found of picturesOf(data, upstream, context)) yield renumber(found, finished)
      finished += items.length
    } else if (sourceIn(data) !== undefined) {
      yield await pictureEvent(data, finished, detailsOf(data), upstream, context)
      yield* usageOf(data)
      finished += 1
    }
  }
  if (finished === 0)
    throw new ProviderError('no_image', { detail: 'the stream ended without a picture', maybePaid: true })
}

function renumber(event: ImageEvent, first: number): ImageEvent {
  return event.type === 'image' ? { ...event, index: event.index + first } : event
}

/** A preview that cannot be read is not worth an error. */
async function* previewOf(
  data: unknown,
  upstream: Upstream,
  context: CallContext,
): AsyncIterable<ImageEvent> {
  const { partial_image_index: partialIndex } = fieldsOf(data)
  const result = await settle(fetchPicture(sourceIn(data), upstream, context))
  if (result.status === 'rejected') return
  yield {
    type: 'partial',
    index: 0,
    picture: result.value,
    partialIndex: typeof partialIndex === 'number' ? partialIndex : 0,
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
