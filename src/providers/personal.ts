import { createHash } from 'node:crypto'
import { BlockedAddress, checkUrl, isPublicAddress } from '../base/address-guard.ts'
import { AppError } from '../base/error.ts'
import { OutgoingError } from '../base/outgoing-error.ts'
import { createGeminiProvider } from './gemini/gemini-provider.ts'
import { isGoogleModel } from './gemini/models.ts'
import { createOpenAiProvider } from './openai/openai-provider.ts'
import type { Account, ImageEvent, Provider } from './provider.ts'
import { ProviderError } from './provider-error.ts'

export interface PersonalConfig {
  /** The one model that is asked; its name says which dialect the upstream speaks. */
  model: string
  /** The caller's own. */
  apiKey: string
  /** The caller's own; absent: that of the vendor. */
  apiBase?: string | undefined
  /** Milliseconds for one call. */
  timeout: number
  /** The operator lets callers name private addresses and plain http. */
  allowPrivate: boolean
}

/**
 * The provider for a request that brings its own key, and perhaps its own upstream. Neither of them is kept.
 * @throws AppError `invalid_value` or `blocked_address`, which name `apiKey` or `apiBase`
 */
export function createPersonalProvider(config: PersonalConfig): Provider {
  const { model, apiKey, timeout, allowPrivate } = config
  const baseUrl = config.apiBase === undefined ? undefined : checkedBase(config.apiBase, allowPrivate)
  const shared = {
    ...{ name: 'own', apiKeys: [apiKey], fixedModels: [model], timeout },
    trust: allowPrivate ? ('operator' as const) : ('guarded' as const),
  }
  const provider = isGoogleModel(model)
    ? createGeminiProvider({ ...shared, baseUrl })
    : createOpenAiProvider({ ...shared, baseUrl: baseUrl ?? OPENAI_BASE_URL })
  return {
    name: provider.name,
    accounts: [personalAccount(apiKey)],
    models: () => [{ id: model, created: 0, ownedBy: '' }],
    serves: (id) => id === model,
    capabilities: provider.capabilities,
    plan: provider.plan,
    run: (call, context) => blamingBase(provider.run(call, context)),
  }
}

/** A caller's own key as an account. @throws AppError `invalid_value` that names `apiKey` */
export function personalAccount(apiKey: string): Account {
  checkKey(apiKey)
  return { id: accountId(apiKey), secret: apiKey, brought: true }
}

const OPENAI_BASE_URL = 'https://api.openai.com/v1'

/** It travels in a header. */
function checkKey(apiKey: string): void {
  if (/^[\x21-\x7e]{1,1024}$/.test(apiKey)) return
  const detail = 'expected visible ASCII characters without spaces, at most 1024.'
  throw new AppError('invalid_value', { param: 'apiKey', values: { detail } })
}

/** Names are looked up when the connection is opened, and then the address is checked as well. */
function checkedBase(apiBase: string, allowPrivate: boolean): string {
  const url = URL.parse(apiBase)
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
    throw wrongBase('expected an https:// address without ? and #.')
  if (!allowPrivate && url.protocol !== 'https:') throw wrongBase('expected an https:// address.')
  try {
    checkUrl(url, allowPrivate ? () => true : isPublicAddress)
  } catch (error) {
    if (!(error instanceof BlockedAddress)) throw error
    throw new AppError('blocked_address', {
      param: 'apiBase',
      values: { detail: `${error.message}.` },
      cause: error,
    })
  }
  return url.href
}

function wrongBase(detail: string): AppError {
  return new AppError('invalid_value', { param: 'apiBase', values: { detail } })
}

/** Tells the keys apart in logs and in what is known of resting accounts, and nothing more. */
function accountId(apiKey: string): string {
  return `own:${createHash('sha256').update(apiKey).digest('hex').slice(0, 8)}`
}

/** A name that leads to a private address is the caller's mistake and not the upstream's. */
async function* blamingBase(events: AsyncIterable<ImageEvent>): AsyncIterable<ImageEvent> {
  try {
    yield* events
  } catch (error) {
    if (!(error instanceof ProviderError) || !isBlocked(error)) throw error
    throw new ProviderError('bad_param', { detail: error.detail, param: 'apiBase', cause: error })
  }
}

/** The call itself was stopped, not the download of a picture after it. */
function isBlocked({ cause, maybePaid }: ProviderError): boolean {
  return cause instanceof OutgoingError && cause.kind === 'blocked' && !maybePaid
}
