import type { Account, ModelInfo, Provider } from '../provider.ts'
import { draw, type Upstream } from './draw.ts'
import { CAPABILITIES, planCalls } from './plan.ts'
import { isGrokRequest } from './request.ts'
import { TIMINGS, type Timings } from './timings.ts'

export interface GrokConfig {
  /** Unique among the configured providers. */
  name: string
  /** `wss://…` or `ws://…`. */
  url: string
  /** None where they all come from elsewhere. */
  accounts?: readonly Account[]
  /** The proxy for accounts that have none of their own, in place of that of all requests. */
  proxyUrl?: string | undefined
  /** Milliseconds for one call. */
  timeout: number
  /** For tests. */
  timings?: Partial<Timings>
}

/** It ends a little before the time of the call is up, or what is there could not be handed over any more. */
const WHOLE = 0.98

/** What the model is called here. The upstream has one and takes no name. */
const MODEL = 'grok-imagine-1.0'
const ALIASES = new Set([MODEL, 'grok-imagine'])
const MODELS: readonly ModelInfo[] = [{ id: MODEL, created: 0, ownedBy: 'xai' }]

/**
 * A provider that draws over the WebSocket of Grok Imagine. Besides ProviderError, `run` throws the reason of the signal
 * when it was aborted, and faults of our own disk as they are.
 */
export function createGrokProvider(config: GrokConfig): Provider {
  const { name, accounts = [], url, proxyUrl } = config
  const timings = { ...TIMINGS, all: config.timeout * WHOLE, ...config.timings }
  const upstream: Upstream = { url, proxyUrl, timings }
  return {
    name,
    accounts,
    models: () => MODELS,
    serves: (model) => ALIASES.has(model),
    capabilities: () => CAPABILITIES,
    plan: planCalls,
    run: ({ request }, context) => {
      if (!isGrokRequest(request)) throw new TypeError('This call was planned by another provider')
      return draw(upstream, request, context)
    },
  }
}
