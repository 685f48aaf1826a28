import type { OutgoingReply } from '../../base/http.ts'
import { jsonBody } from '../json-body.ts'
import type { CallContext, ChatCall, ChatReply } from '../provider.ts'
import { bodyOf, MAX_REPLY_BYTES, mediaTypeOf } from '../read-reply.ts'
import { translateError } from '../translate-error.ts'
import { failureIn, failureOf } from './parse.ts'
import { authorization, type Upstream } from './send.ts'
import { UsageTail } from './usage-tail.ts'

/**
 * Passes a chat completion on. The answer is handed back as it is: an error in a 200 is found by whoever reads it.
 * @throws ProviderError when it is not accepted; the reason of the signal when it was aborted. So does the body.
 */
export async function passOn(
  upstream: Upstream,
  { model, body }: ChatCall,
  context: CallContext,
): Promise<ChatReply> {
  let reply: OutgoingReply | undefined
  try {
    reply = await sendChat(upstream, { ...body, model }, context)
    const type = mediaTypeOf(reply)
    if (reply.status >= 300 || type === 'text/html') throw await failureOf(reply, context)
    const accepted = reply
    const streams = isStream(type, body.stream === true)
    const tail = new UsageTail(streams)
    return {
      isStream: streams,
      body: new AnswerBody(bodyOf(reply), context, tail),
      failureIn: (value) => failureIn(value, accepted, context),
      usage: () => tail.read(),
      discard: reply.discard,
    }
  } catch (error) {
    reply?.discard()
    throw translateError(error, context.signal, context.account.secret, reply !== undefined)
  }
}

/** Puts one chat completion on the wire. */
export function sendChat(
  upstream: Upstream,
  body: Readonly<Record<string, unknown>>,
  context: CallContext,
): Promise<OutgoingReply> {
  return context.http.request({
    url: `${upstream.baseUrl}/chat/completions`,
    method: 'POST',
    headers: {
      ...authorization(context.account.secret),
      'content-type': 'application/json',
      accept: body.stream === true ? 'text/event-stream' : 'application/json',
    },
    body: jsonBody(body),
    signal: context.signal,
    timeout: upstream.timeout,
    trust: upstream.trust,
    proxyUrl: context.account.proxyUrl,
    maxBytes: MAX_REPLY_BYTES,
  })
}

/** Some relays label neither; then it is what was asked for. */
function isStream(type: string, wasAsked: boolean): boolean {
  return type === 'text/event-stream' || (wasAsked && type !== 'application/json')
}

/** A body of which the errors are those of a provider. A class, since a generator costs several ticks for each chunk. */
class AnswerBody implements AsyncIterableIterator<Uint8Array> {
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #context: CallContext
  readonly #tail: UsageTail

  constructor(body: AsyncIterable<Uint8Array>, context: CallContext, tail: UsageTail) {
    this.#chunks = body[Symbol.asyncIterator]()
    this.#context = context
    this.#tail = tail
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    return this.#chunks.next().then(this.#note, this.#fail)
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    await this.#chunks.return?.()
    return { done: true, value: undefined }
  }

  readonly #note = (next: IteratorResult<Uint8Array, undefined>) => {
    if (!next.done) this.#tail.add(next.value)
    return next
  }

  readonly #fail = (error: unknown): never => {
    throw translateError(error, this.#context.signal, this.#context.account.secret, true)
  }
}
