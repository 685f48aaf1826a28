import type { OutgoingReply } from '../../base/http.ts'
import { readEvents } from '../../bytes/read-events.ts'
import { readJson } from '../../bytes/read-json.ts'
import type { CallContext, ImageEvent } from '../provider.ts'
import type { ProviderError } from '../provider-error.ts'
import { bodyOf, fieldsOf, MAX_ERROR_BYTES, mediaTypeOf, parseJson, readText } from '../read-reply.ts'
import { choicesOf, detailsOf, failedPart, isFiltered, noPicture, usageOf } from './answer-facts.ts'
import { type ChatPictures, createChatPictures } from './chat-pictures.ts'
import { holdsError, toProviderError } from './errors.ts'
import { fetchPicture, signatureOf, sourceIn } from './picture-source.ts'
import type { Upstream } from './send.ts'

/**
 * Reads the answer to a call that draws, whatever was asked for: its type says whether it is JSON, a stream or a picture.
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
    return yield* picturesOf({ items: [source], body: undefined }, upstream, context)
  }
  const body = await readJson(bodyOf(reply), { spool: context.spool })
  const chat = createChatPictures(context.spool)
  const { items } = await readAnswer(body, chat)
  const all = [...items, ...(await chat.end())]
  const failed = failedPart(body)
  if (all.length === 0 && holdsError(failed)) throw errorIn(failed, reply, context)
  yield* picturesOf({ items: all, body }, upstream, context)
  if (all.length === 0) throw noPicture(isFiltered(body), chat.text, context.account.secret)
}

export async function failureOf(reply: OutgoingReply, context: CallContext): Promise<ProviderError> {
  const text = await readText(reply, MAX_ERROR_BYTES)
  return toProviderError({ ...reply, body: parseJson(text), text, secret: context.account.secret })
}

/** What went wrong, where an answer that was accepted, or an event of one, says so and nothing else. */
export function failureIn(
  value: unknown,
  reply: OutgoingReply,
  context: CallContext,
): ProviderError | undefined {
  const failed = failedPart(value)
  const { error, choices, data } = fieldsOf(failed)
  const isFailure = error || (choices === undefined && data === undefined && holdsError(failed))
  return isFailure ? errorIn(failed, reply, context) : undefined
}

function errorIn(body: unknown, reply: OutgoingReply, context: CallContext): ProviderError {
  const text = typeof body === 'string' ? body : ''
  return toProviderError({ ...reply, body, text, secret: context.account.secret })
}

/** What of an answer matters here. */
interface Answer {
  items: readonly unknown[]
  /** For what it says beside the pictures. */
  body: unknown
}

/** A whole answer. One picture that cannot be had does not lose the others: its error comes after them. */
async function* picturesOf(
  { items, body }: Answer,
  upstream: Upstream,
  context: CallContext,
): AsyncIterable<ImageEvent> {
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
  const signature = signatureOf(item)
  return {
    type: 'image',
    index,
    picture,
    ...revisedPrompt,
    ...(signature === undefined ? {} : { signature }),
    details,
  }
}

/** Takes what a whole answer, or a piece of a stream, holds now. */
async function readAnswer(body: unknown, chat: ChatPictures): Promise<Answer> {
  const items = [...itemsOf(body)]
  for (const choice of choicesOf(body)) {
    const { delta, message } = fieldsOf(choice)
    items.push(...(await chat.push(message ?? delta)))
  }
  return { items, body }
}

/** OpenAI's `data`, or the `images` of some relays. */
function itemsOf(body: unknown): readonly unknown[] {
  const { data, images } = fieldsOf(body)
  if (Array.isArray(data)) return data
  if (Array.isArray(images)) return images
  return data === undefined || data === null ? [] : itemsOf(data)
}

/** `image_generation.*`, `image_edit.*`, or the chunks of a chat. */
async function* parseStream(
  reply: OutgoingReply,
  upstream: Upstream,
  context: CallContext,
): AsyncIterable<ImageEvent> {
  const chat = createChatPictures(context.spool)
  let finished = 0
  let filtered = false
  for await (const { event, data } of readEvents(bodyOf(reply), { spool: context.spool })) {
    const failed = failedPart(data)
    if (event === 'error' || fieldsOf(failed).error) throw errorIn(failed, reply, context)
    if (typeof data !== 'object') continue // `[DONE]`
    filtered ||= isFiltered(data)
    if (String(fieldsOf(data).type ?? event).endsWith('.partial_image')) {
      // Previews that come after the picture are of no use any more.
      if (finished === 0) yield* previewOf(data, upstream, context)
      continue
    }
    const { items } = await readAnswer(data, chat)
    const own = items.length === 0 && sourceIn(data) !== undefined ? [data] : items
    for await (const found of picturesOf({ items: own, body: data }, upstream, context))
      yield renumber(found, finished)
    finished += own.length
  }
  const late = await chat.end()
  for await (const found of picturesOf({ items: late, body: undefined }, upstream, context))
    yield renumber(found, finished)
  if (finished + late.length === 0) throw noPicture(filtered, chat.text, context.account.secret)
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
