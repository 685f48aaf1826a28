import { LRUCache } from 'lru-cache'
import type { Clock } from '../../base/clock.ts'
import type { Account } from '../provider.ts'
import type { ProviderError } from '../provider-error.ts'

/** Until when an account is not asked for a model, and why. Limits at upstreams are per model, and so are rests. */
export interface Rest {
  /** ms since the epoch. */
  until: number
  /** Others are preferred meanwhile, but it may still be asked when there is no other. */
  soft: boolean
  failure: ProviderError
}

/** The rests that this process knows of. */
export interface Rests {
  /** The rest that an account has now. */
  of(account: Pick<Account, 'id' | 'brought'>, model: string): Rest | undefined
  set(account: Pick<Account, 'id' | 'brought'>, model: string, rest: Rest): void
  /** The end of the last rest in which an account may not be asked for some model. */
  longest(id: string): number | undefined
  /** The hard rests of these accounts, by account and model, are these and no others. */
  adopt(ids: Iterable<string>, rests: ReadonlyMap<string, ReadonlyMap<string, Rest>>): void
}

/** Keys that callers bring have no other end to their number; what is known of them must not push out what is known of ours. */
const MOST_BROUGHT = 10_000

export function createRests(clock: Clock): Rests {
  const own = new Map<string, Map<string, Rest>>()
  const brought = new LRUCache<string, Rest>({ max: MOST_BROUGHT })

  /** What is over is forgotten: callers choose the names of models, and there is no end to them. */
  function ofOwn(id: string): Map<string, Rest> {
    const rests = own.get(id) ?? new Map<string, Rest>()
    for (const [model, { until }] of rests) if (until <= clock.now()) rests.delete(model)
    return rests
  }

  return {
    of: ({ id, brought: isBrought }, model) => {
      const rest = isBrought ? brought.get(`${id} ${model}`) : own.get(id)?.get(model)
      return rest && rest.until > clock.now() ? rest : undefined
    },
    set: ({ id, brought: isBrought }, model, rest) => {
      if (isBrought) brought.set(`${id} ${model}`, rest)
      else own.set(id, ofOwn(id).set(model, rest))
    },
    longest: (id) => {
      const hard = [...ofOwn(id).values()].filter(({ soft }) => !soft)
      return hard.length === 0 ? undefined : Math.max(...hard.map(({ until }) => until))
    },
    adopt: (ids, rests) => {
      for (const id of ids) {
        const soft = [...ofOwn(id)].filter(([, rest]) => rest.soft)
        own.set(id, new Map([...soft, ...(rests.get(id) ?? [])]))
      }
    },
  }
}
