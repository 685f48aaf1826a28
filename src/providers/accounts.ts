import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.ts'
import type { Account } from './provider.ts'
import type { ProviderError } from './provider-error.ts'

/** Chooses among the keys of a provider, lets those rest that the upstream has turned away, and limits the calls of each. */
export interface Accounts {
  /** Those that may be asked for a model now: the healthy first, among them the idle, among them the least recently used. */
  ready(accounts: readonly Account[], model: string): Account[]
  /** Why none is ready: the failure of the one that may be asked again first, with the time until then. */
  refusal(accounts: readonly Account[], model: string): { failure: ProviderError; wait: number } | undefined
  /**
   * Notes that an account is being used, once it has no more calls than it may have at the same time.
   * Call what is returned when the call has ended. Rejects with the signal's reason.
   */
  enter(account: Account, model: string, signal: () => AbortSignal): Promise<() => void>
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

export interface AccountsOptions {
  clock: Clock
  /** Most calls of one account at the same time; 0 for any number. */
  concurrency: number
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

/** The calls of an account, for whatever model. */
interface Traffic {
  calls: number
  waiting: Set<() => void>
}

/** Keys that callers bring have no other end to their number; what is known of them must not push out what is known of ours. */
const MOST_BROUGHT = 10_000

/** The state lives in this process; limits at upstreams are per model, so rests are kept per account and model. */
export function createAccounts({ clock, concurrency }: AccountsOptions): Accounts {
  const own = new Map<string, State>()
  const brought = new LRUCache<string, State>({ max: MOST_BROUGHT })
  const traffic = new Map<string, Traffic>()
  const most = concurrency === 0 ? Number.POSITIVE_INFINITY : concurrency
  let uses = 0
  const stateOf = (account: Account, model: string): State => {
    const states = account.brought ? brought : own
    const key = `${account.id} ${model}`
    const state = states.get(key) ?? { lastUsed: 0, restsUntil: 0, soft: false, failure: undefined }
    states.set(key, state)
    return state
  }
  const resting = (state: State) => state.restsUntil > clock.now()
  const isFull = ({ id }: Account) => (traffic.get(id)?.calls ?? 0) >= most

  function leave(id: string, at: Traffic): void {
    at.calls -= 1
    const [next] = at.waiting
    if (next !== undefined) next()
    else if (at.calls === 0) traffic.delete(id)
  }

  return {
    ready: (accounts, model) =>
      accounts
        .map((account) => ({ account, state: stateOf(account, model) }))
        .filter(({ state }) => !resting(state) || state.soft)
        .sort(
          (a, b) =>
            Number(resting(a.state)) - Number(resting(b.state)) ||
            Number(isFull(a.account)) - Number(isFull(b.account)) ||
            a.state.lastUsed - b.state.lastUsed,
        )
        .map(({ account }) => account),
    refusal: (accounts, model) => {
      const states = accounts.map((account) => stateOf(account, model)).filter(resting)
      const [first] = states.sort((a, b) => a.restsUntil - b.restsUntil)
      return first?.failure && { failure: first.failure, wait: first.restsUntil - clock.now() }
    },
    enter: async (account, model, signal) => {
      const at = traffic.get(account.id) ?? { calls: 0, waiting: new Set() }
      traffic.set(account.id, at)
      while (at.calls >= most) await untilFree(at.waiting, signal())
      at.calls += 1
      uses += 1
      stateOf(account, model).lastUsed = uses
      return () => leave(account.id, at)
    },
    rest: (account, model, { duration, soft, failure }) => {
      Object.assign(stateOf(account, model), { restsUntil: clock.now() + duration, soft, failure })
    },
  }
}

/** Waits in the row until it is called. */
function untilFree(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      waiting.delete(proceed)
      reject(signal.reason)
    }
    const proceed = () => {
      waiting.delete(proceed)
      signal.removeEventListener('abort', leave)
      resolve()
    }
    if (signal.aborted) return reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    waiting.add(proceed)
  })
}
