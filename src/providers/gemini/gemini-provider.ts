import type { OutgoingReply } from '../../base/http.ts'
import { accountsFor } from '../accounts-for.ts'
import type { Call, CallContext, ImageEvent, Provider } from '../provider.ts'
import { translateError } from '../translate-error.ts'
import { GEMINI_BASE_URL, withVersion } from './base-url.ts'
import { fetchModels } from './discover.ts'
import { createModelList } from './model-list.ts'
import { traitsOf } from './models.ts'
import { parseReply } from './parse.ts'
import { isGeminiRequest, planCalls } from './plan.ts'
import { send, type Upstream } from './send.ts'

export interface GeminiConfig {
  /** Unique among the configured providers; stands in account ids and logs. */
  name: string
  /** With or without the version. Default: Google's own. */
  baseUrl?: string | undefined
  /** One account for each; empty where the upstream wants none. */
  apiKeys: readonly string[]
  /** Serves exactly these. Default: what the upstream lists, and until then what Google is known to have. */
  fixedModels?: readonly string[] | undefined
  /** Milliseconds for one call. */
  timeout: number
  /** `guarded` for an address that did not come from the operator: it must be a public one. Default: `operator`. */
  trust?: 'operator' | 'guarded' | undefined
}

/**
 * A provider for Google's Gemini API and whatever speaks it.
 * Besides ProviderError, `run` throws the reason of the signal when it was aborted, and faults of our own disk as they are.
 */
export function createGeminiProvider(config: GeminiConfig): Provider {
  const { name, baseUrl = GEMINI_BASE_URL, apiKeys, fixedModels, timeout, trust = 'operator' } = config
  const upstream: Upstream = { baseUrl: withVersion(baseUrl), timeout, trust }
  const accounts = accountsFor(name, apiKeys)
  const models = createModelList(fixedModels)

  async function* run(call: Call, context: CallContext): AsyncIterable<ImageEvent> {
    if (!isGeminiRequest(call.request)) throw new TypeError('This call was planned by another provider')
    let isAnswered = false
    let reply: OutgoingReply | undefined
    try {
      reply = await send(upstream, call.request, context)
      isAnswered = reply.status < 300
      if (isAnswered) yield { type: 'arriving' }
      yield* parseReply(reply, call.request.previews, context)
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
      throw translateError(error, context.signal, secret, false)
    }
  }

  return {
    name,
    accounts,
    models: models.all,
    serves: models.serves,
    capabilities: traitsOf,
    plan: (request) => planCalls(request, traitsOf(request.model)),
    run,
    discover,
  }
}
