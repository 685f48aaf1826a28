import type { OutgoingReply } from '../../base/http.ts'
import { accountsFor } from '../accounts-for.ts'
import type { Call, CallContext, ImageEvent, Provider } from '../provider.ts'
import { ProviderError } from '../provider-error.ts'
import { translateError } from '../translate-error.ts'
import { passOn } from './chat.ts'
import { isChatDrawing, planDrawing, sendDrawing } from './chat-drawing.ts'
import { fetchModels } from './discover.ts'
import { createModelList } from './model-list.ts'
import { failureOf, parseReply } from './parse.ts'
import { type ImageRequest, isImageRequest, planCalls } from './plan.ts'
import { send, type Upstream } from './send.ts'

export interface OpenAiConfig {
  /** Unique among the configured providers; stands in account ids and logs. */
  name: string
  /** Up to and including the version, e.g. `https://api.openai.com/v1`. */
  baseUrl: string
  /** One account for each; empty where the upstream wants none. */
  apiKeys: readonly string[]
  /** Models to draw with, offered before those that the upstream lists. With them, nothing unlisted is asked for. */
  fixedModels?: readonly string[] | undefined
  /** Models to chat with, in the same way; one that is in both draws in chats. */
  chatModels?: readonly string[] | undefined
  /** Milliseconds for one call. */
  timeout: number
  /** `guarded` for an address that did not come from the operator: it must be a public one. Default: `operator`. */
  trust?: 'operator' | 'guarded' | undefined
}

/**
 * A provider for any upstream that speaks OpenAI's images or chat API: OpenAI itself, xAI, OpenRouter, and relays.
 * Besides ProviderError, `run` throws the reason of the signal when it was aborted, and faults of our own disk as they are.
 */
export function createOpenAiProvider(config: OpenAiConfig): Provider {
  const { timeout, trust = 'operator' } = config
  const upstream: Upstream = { baseUrl: config.baseUrl.replace(/\/+$/, ''), timeout, trust }
  const host = new URL(upstream.baseUrl).hostname
  const accounts = accountsFor(config.name, config.apiKeys)
  const models = createModelList(config, host)

  async function* run(call: Call, context: CallContext): AsyncIterable<ImageEvent> {
    let isAnswered = false
    let reply: OutgoingReply | undefined
    try {
      reply = await sendPlanned(upstream, call.request, context)
      isAnswered = reply.status < 300
      if (isAnswered) yield { type: 'arriving' }
      yield* parseReply(reply, upstream, context)
    } catch (error) {
      throw translateError(error, context.signal, context.account.secret, isAnswered)
    } finally {
      reply?.discard()
    }
  }

  async function discover(context: Pick<CallContext, 'account' | 'http' | 'signal'>): Promise<void> {
    const { secret } = context.account
    try {
      models.learn(await fetchModels(upstream, secret, context))
    } catch (error) {
      const failure = translateError(error, context.signal, secret, false)
      if (hasNoList(failure)) models.hasNoList()
      throw failure
    }
  }

  return {
    name: config.name,
    accounts,
    models: models.all,
    serves: models.serves,
    capabilities: models.traits,
    plan: (request) => {
      const traits = models.traits(request.model)
      return traits.kind === 'chat' ? planDrawing(request, traits) : planCalls(request, traits)
    },
    run,
    chat: (call, context) => passOn(upstream, call, context),
    discover,
  }
}

/** The upstream answered, and not that it is busy or does not know us: it has no list. */
function hasNoList(failure: unknown): boolean {
  return failure instanceof ProviderError && (failure.kind === 'bad_param' || failure.kind === 'upstream_bug')
}

function sendPlanned(upstream: Upstream, request: unknown, context: CallContext): Promise<OutgoingReply> {
  if (isChatDrawing(request)) return sendDrawing(upstream, request, context)
  if (isImageRequest(request)) return sendFitting(upstream, request, context)
  throw new TypeError('This call was planned by another provider')
}

/**
 * Sends a call, and once more in another form when the upstream refused the form of the first: relays don't agree on
 * whether edits are multipart or JSON, nor on whether `response_format` exists. A refused call was not carried out.
 */
async function sendFitting(
  upstream: Upstream,
  request: ImageRequest,
  context: CallContext,
): Promise<OutgoingReply> {
  const reply = await send(upstream, request, context)
  if (reply.status !== 400 && reply.status !== 415 && reply.status !== 422) return reply
  const failure = await failureOf(reply, context)
  const other = otherForm(request, reply.status, failure)
  if (other === undefined) throw failure
  return await send(upstream, other, context)
}

function otherForm(request: ImageRequest, status: number, failure: ProviderError): ImageRequest | undefined {
  if (failure.kind !== 'bad_param') return undefined
  if (
    request.form === 'multipart' &&
    request.route === 'edits' &&
    (status === 415 || WANTS_JSON.test(failure.detail))
  ) {
    return { ...request, form: 'json' }
  }
  if ('response_format' in request.fields && /response_format/.test(`${failure.param} ${failure.detail}`)) {
    const { response_format: _format, ...fields } = request.fields
    return { ...request, fields }
  }
  return undefined
}

const WANTS_JSON = /application\/json|expected .*json|content-type/i
