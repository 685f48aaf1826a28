import { createLog } from '../../base/log.ts'
import { createVault } from '../../base/vault.ts'
import type { Database } from '../../db/connect.ts'
import { createOpenAiProvider } from '../openai/openai-provider.ts'
import type { Provider } from '../provider.ts'
import { ProviderError, type ProviderErrorKind } from '../provider-error.ts'
import { type Accounts, type AccountsOptions, openAccounts } from './accounts.ts'
import type { Choice } from './core.ts'
import type { AccountPolicy } from './policy.ts'

/** A provider that is never called. */
export const providerOf = (name: string, ...apiKeys: string[]): Provider =>
  createOpenAiProvider({ name, baseUrl: 'http://127.0.0.1:9/v1', apiKeys, timeout: 1000 })

export const NOON = Date.parse('2026-03-28T11:00:00Z')
export const TEST_KEY = Buffer.alloc(32, 7)

export interface TestAccounts extends Partial<Omit<AccountsOptions, 'policyOf'>> {
  database: Database
  policy?: Partial<AccountPolicy>
}

/** The accounts of a process of its own over a database. It is noon in Berlin, of a day whose night has 23 hours. */
export function openTestAccounts({ policy, ...options }: TestAccounts): Promise<Accounts> {
  return openAccounts({
    vault: createVault(TEST_KEY),
    clock: { now: () => NOON },
    log: createLog('silent'),
    timeZone: 'Europe/Berlin',
    concurrency: 0,
    providers: [],
    policyOf: () => ({ strategy: 'priority', dailyLimit: 0, ...policy }),
    ...options,
  })
}

/** Reserves, and says which secret it got. */
export async function reserve(
  accounts: Accounts,
  provider: Provider,
  { pictures = 1, tried = [], ...choice }: Partial<Choice> & { pictures?: number; tried?: string[] } = {},
) {
  const wanted: Choice = { provider, model: 'model', ...choice }
  const reservation = await accounts.reserve(wanted, pictures, new Set(tried))
  const refusal = reservation ? undefined : accounts.refusal(wanted, pictures)
  const settle = async (delivered: number) => reservation && accounts.settle(reservation, delivered)
  const blame = async (
    kind: ProviderErrorKind,
    { expired = false, duration = 60_000, soft = false } = {},
  ) => {
    const failure = new ProviderError(kind, { detail: `it said ${kind}`, expired })
    if (reservation) await accounts.blame(reservation, wanted.model, { failure, duration, soft })
    await settle(0)
  }
  return { reservation, secret: reservation?.account.secret, refusal, settle, blame }
}
