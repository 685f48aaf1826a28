import type { Clock } from '../base/clock.ts'
import type { Account, Provider } from './provider.ts'
import type { ProviderError } from './provider-error.ts'

/** Chooses among the keys of a provider and lets those rest that the upstream has turned away. */
export interface Accounts {
  /** Accounts that may be asked for a model now: the healthy first, among them the least recently used. */
  ready(provider: Provider, model: string): Account[]
  /** Why no account is ready: the failure of the one that may be asked again first, with the time until then. */
  refusal(provider: Provider, model: string): { failure: ProviderError; wait: number } | undefined
  /** Notes that an account is being used. */
  used(account: Account, model: string): void
  /**
   * Lets an account rest for `duration` ms after a failure. `soft`: others are preferred meanwhile, but it may still
   * be asked when there is no other, as after a network fault that a single request cannot tell from an outage.
   */
  rest(
    account: Account,
    model: string,
    rest: { duration: number; soft: boolean; failure: ProviderError },
  ): void
}

/** The accounts of a provider; one without a secret where the upstream wants no key. */
export function accountsFor(provider: string, apiKeys: readonly string[]): Account[] {
  return (apiKeys.length === 0 ? [''] : apiKeys).map((secret, index) => ({
    id: `${provider}:${index + 1}`,
    secret,
  }))
}

interface State {
  lastUsed: number
  restsUntil: number
  soft: boolean
  failure: ProviderError | undefined
}

/** Callers bring keys and models of their own, so their number is not that of the configuration. */
const MOST_STATES = 10_000

/** Forgets the oldest that nothing is lost with, or else the oldest. */
function forget(states: Map<string, State>, kept: string, now: number): void {
  const others = [...states].filter(([key]) => key !== kept)
  const idle = others.filter(([, { restsUntil }]) => restsUntil <= now)
  const gone = (idle.length > 0 ? idle : others).slice(0, MOST_STATES / 10)
  for (const [key] of gone) states.delete(key)
}

/** The state lives in this process; limits at upstreams are per model, so it is kept per account and model. */
export function createAccounts(clock: Clock): Accounts {
  const states = new Map<string, State>()
  let uses = 0
  const stateOf = (account: Account, model: string): State => {
    const key = `${account.id} ${model}`
    const state = states.get(key) ?? { lastUsed: 0, restsUntil: 0, soft: false, failure: undefined }
    states.set(key, state)
    if (states.size > MOST_STATES) forget(states, key, clock.now())
    return state
  }
  const resting = (state: State) => state.restsUntil > clock.now()
  return {
    ready: (provider, model) =>
      provider.accounts
        .map((account) => ({ account, state: stateOf(account, model) }))
        .filter(({ state }) => !resting(state) || state.soft)
        .sort(
          (a, b) =>
            Number(resting(a.state)) - Number(resting(b.state)) || a.state.lastUsed - b.state.lastUsed,
        )
        .map(({ account }) => account),
    refusal: (provider, model) => {
      const states = provider.accounts.map((account) => stateOf(account, model)).filter(resting)
      const [first] = states.sort((a, b) => a.restsUntil - b.restsUntil)
      return first?.failure && { failure: first.failure, wait: first.restsUntil - clock.now() }
    },
    used: (account, model) => {
      uses += 1
      stateOf(account, model).lastUsed = uses
    },
    rest: (account, model, { duration, soft, failure }) => {
      Object.assign(stateOf(account, model), { restsUntil: clock.now() + duration, soft, failure })
    },
  }
}
