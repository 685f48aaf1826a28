import type { OutgoingReply } from '../../base/http.ts'
import { readEvents } from '../../bytes/read-events.ts'
import { readJson } from '../../bytes/read-json.ts'
import type { CallContext, ImageEvent } from '../provider.ts'
import type { ProviderError } from '../provider-error.ts'
import { bodyOf, MAX_ERROR_BYTES, mediaTypeOf, parseJson, readText } from '../read-reply.ts'
import { createAnswer } from './answer.ts'
import { holdsError, toProviderError } from './errors.ts'

/**
 * Reads an answer, whatever was asked for: its type says whether it is JSON or a stream. At least one `image` comes,
 * or it throws.
 * @param previews how many drafts are wanted; the others are dropped
 */
export async function* parseReply(
  reply: OutgoingReply,
  previews: number,
  context: CallContext,
): AsyncIterable<ImageEvent> {
  const type = mediaTypeOf(reply)
  if (reply.status >= 300 || type === 'text/html') throw await failureOf(reply, context)
  const answer = createAnswer(context, previews)
  for await (const piece of piecesOf(reply, type, context)) {
    if (holdsError(piece))
      throw toProviderError({ ...reply, body: piece, text: '', secret: context.account.secret })
    yield* answer.take(piece)
  }
  yield* answer.end()
}

/** The answers that a reply consists of: one, the events of a stream, or a list where a stream did not become events. */
async function* piecesOf(reply: OutgoingReply, type: string, { spool }: CallContext): AsyncIterable<unknown> {
  if (type !== 'text/event-stream') {
    const body = await readJson(bodyOf(reply), { spool })
    return yield* Array.isArray(body) ? body : [body]
  }
  for await (const { data } of readEvents(bodyOf(reply), { spool })) if (typeof data === 'object') yield data
}

async function failureOf(reply: OutgoingReply, context: CallContext): Promise<ProviderError> {
  const text = await readText(reply, MAX_ERROR_BYTES)
  return toProviderError({ ...reply, body: parseJson(text), text, secret: context.account.secret })
}
