import { ProviderError } from '../provider-error.ts'
import { type Choice, type Core, hasLeft, ownOf } from './core.ts'
import { isKeyless } from './reserve.ts'
import type { Rest } from './rests.ts'

/** Why no account may be asked: the failure that ends first, with the time until then. */
export function refusalOf(core: Core, choice: Choice, pictures: number): ProviderError {
  const { provider, model, account, pool } = choice
  const own = account ? [] : ownOf(core, choice)
  const others = account ? [account] : provider.accounts.filter(isKeyless)
  const ready = own.filter(({ row }) => row.state === 'ready')
  const rests = [...ready, ...others].flatMap((one) => hard(core.rests.of(one, model)) ?? [])
  const firstRest = rests.toSorted((a, b) => a.until - b.until)[0]
  const isUsedUp = ready.some((one) => !hasLeft(core, one, pictures))
  if (firstRest && (!isUsedUp || firstRest.until <= core.midnight())) return again(core, firstRest)
  if (isUsedUp) return usedUp(core, pool, pictures)
  if (own.length === 0) return missing(pool, core.roster.of(provider.name).length > 0)
  const detail = `the upstream refused ${own.length === 1 ? 'the key' : `all ${own.length} keys`}${of(pool)} before. They are asked again once they have been added anew or reloaded.`
  return new ProviderError('auth', { detail })
}

const hard = (rest: Rest | undefined) => (rest?.soft === false ? rest : undefined)

/** The failure that put an account to rest, again, with the time that is left of it. */
function again({ clock }: Core, { failure, until }: Rest): ProviderError {
  const { kind, detail, code } = failure
  return new ProviderError(kind, {
    detail,
    retryAfter: Math.ceil((until - clock.now()) / 1000),
    ...(code ? { code } : {}),
  })
}

function usedUp(core: Core, pool: string | undefined, pictures: number): ProviderError {
  const wanted = pictures === 1 ? 'a picture' : `${pictures} pictures`
  return new ProviderError('quota', {
    detail: `no account${of(pool)} has ${wanted} left for today.`,
    retryAfter: Math.ceil((core.midnight() - core.clock.now()) / 1000),
  })
}

function missing(pool: string | undefined, areOthers: boolean): ProviderError {
  if (pool === undefined && areOthers)
    return new ProviderError('quota', { detail: 'all of its accounts are set aside for pools.' })
  if (pool === undefined) return new ProviderError('auth', { detail: 'no key is configured for it.' })
  return new ProviderError('quota', { detail: `there is no account${of(pool)} for this model.` })
}

const of = (pool: string | undefined) => (pool === undefined ? '' : ` of the pool "${pool}"`)
