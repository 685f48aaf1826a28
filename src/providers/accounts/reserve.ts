import type { Account } from '../provider.ts'
import { loadAccount, returnPictures, takePictures } from './account-table.ts'
import { type Choice, type Core, ownOf } from './core.ts'
import { limitOf } from './policy.ts'
import type { OwnAccount } from './roster.ts'
import { firstOf, payCredit, type Standing } from './strategy.ts'
import { countUse, usedOn } from './use.ts'

/** An account that may be asked for some pictures. To be settled whatever comes of it. */
export interface Reservation {
  account: Account
  pictures: number
  /** The day that the pictures are taken from. */
  day: string
  /** Absent for a caller's own account, and for an upstream that wants none. */
  own?: OwnAccount
}

/** How old what we know of other processes may be when a request comes, in ms. */
const FRESH = 5000
/** How old it may be before we say that nothing is left. */
const FRESH_REFUSAL = 1000

export interface Reserving {
  reserve(choice: Choice, pictures: number, tried: ReadonlySet<string>): Promise<Reservation | undefined>
  settle(reservation: Reservation, delivered: number): Promise<void>
}

export function createReserving(core: Core): Reserving {
  /** By provider: the id that was chosen last. */
  const last = new Map<string, string>()
  let turns = 0

  function choose(choice: Choice, pictures: number, passed: ReadonlySet<string>): OwnAccount | undefined {
    const { name } = choice.provider
    const { strategy } = core.policyOf(name)
    const able = ownOf(core, choice).filter(
      (account) => !passed.has(account.id) && isAble(core, account, choice.model),
    )
    const standings = standingsOf(core, name, able).filter(
      ({ used, limit = Number.POSITIVE_INFINITY }) => used + pictures <= limit,
    )
    const best = bestOf(standings, ({ account }) => reluctance(core, account, choice.model))
    const chosen = firstOf(strategy, best, { now: core.clock.now(), last: last.get(name) })
    if (chosen === undefined) return undefined
    if (strategy === 'weighted') payCredit(best, chosen)
    turns += 1
    chosen.mark.turn = turns
    last.set(name, chosen.id)
    return chosen.account
  }

  async function reserveOwn(choice: Choice, pictures: number, tried: ReadonlySet<string>) {
    const passed = new Set(tried)
    for (let own = choose(choice, pictures, passed); own; own = choose(choice, pictures, passed)) {
      const reservation = await take(core, own, pictures)
      if (reservation) return reservation
      passed.add(own.id)
    }
    return undefined
  }

  return {
    reserve: async (choice, pictures, tried) => {
      if (choice.account) return reserveOther(core, [choice.account], choice.model, pictures, tried)
      await core.syncAfter(FRESH)
      const { provider, pool } = choice
      if (pool === undefined && core.roster.of(provider.name).length === 0)
        return reserveOther(core, provider.accounts.filter(isKeyless), choice.model, pictures, tried)
      const reservation = await reserveOwn(choice, pictures, tried)
      if (reservation || !(await core.syncAfter(FRESH_REFUSAL))) return reservation
      return reserveOwn(choice, pictures, tried)
    },
    settle: (reservation, delivered) => settle(core, reservation, delivered),
  }
}

/** Of an upstream that wants no key. */
export const isKeyless = ({ secret }: Account): boolean => secret === ''

function isAble({ rests }: Core, account: OwnAccount, model: string): boolean {
  return account.row.state === 'ready' && rests.of(account, model)?.soft !== false
}

/** Resting ones are the last to be asked, and one that has all the calls that it may is asked after idle ones. */
function reluctance({ rests, traffic }: Core, account: Account, model: string): number {
  return (rests.of(account, model) ? 2 : 0) + (traffic.isFull(account.id) ? 1 : 0)
}

function bestOf<One>(all: readonly One[], cost: (one: One) => number): One[] {
  const costs = all.map(cost)
  const least = costs.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
  return all.filter((_, index) => costs[index] === least)
}

function standingsOf(
  core: Core,
  provider: string,
  accounts: readonly OwnAccount[],
): (Standing & { account: OwnAccount })[] {
  const [policy, day] = [core.policyOf(provider), core.today()]
  return accounts.map((account) => {
    const { id, row, mark } = account
    return {
      id,
      used: usedOn(row, day),
      limit: limitOf(row, policy),
      lastUsedAt: row.last_used_at ?? undefined,
      weight: row.weight,
      priority: row.priority,
      mark,
      account,
    }
  })
}

/** Accounts that are not ours to keep count of: they only rest. */
function reserveOther(
  { rests, today }: Core,
  accounts: readonly Account[],
  model: string,
  pictures: number,
  tried: ReadonlySet<string>,
): Reservation | undefined {
  const account = accounts.find((one) => !tried.has(one.id) && rests.of(one, model)?.soft !== false)
  return account && { account, pictures, day: today() }
}

/**
 * Takes pictures of an account, or finds that others have taken them. What is known here is changed before the database
 * is asked, so that requests at the same moment choose among what is left.
 */
async function take(core: Core, own: OwnAccount, pictures: number): Promise<Reservation | undefined> {
  const { query } = core.database
  const [day, now] = [core.today(), core.clock.now()]
  const limit = limitOf(own.row, core.policyOf(own.provider))
  const reservation: Reservation = { account: own, pictures, day, own }
  countUse(own.row, day, pictures)
  own.row.last_used_at = now
  if (limit === undefined || pictures === 0) {
    core.ledger.note(own.id, { lastUsedAt: now })
    return reservation
  }
  if (await takePictures(query, { id: own.id, pictures, day }, { limit, now })) return reservation
  const row = await loadAccount(query, own.id)
  Object.assign(own.row, row ?? { state: 'disabled' })
  return undefined
}

async function settle(core: Core, reservation: Reservation, delivered: number): Promise<void> {
  const { own, pictures, day } = reservation
  if (own === undefined) return
  const left = pictures - delivered
  countUse(own.row, day, -left)
  if (limitOf(own.row, core.policyOf(own.provider)) === undefined) {
    core.ledger.note(own.id, { pictures: delivered })
  } else if (left < 0) {
    core.ledger.note(own.id, { pictures: -left })
  } else if (left > 0) {
    // The pictures are there, and the end of the day puts right what cannot be given back now.
    await returnPictures(core.database.query, { id: own.id, pictures: left, day }).catch((error: unknown) =>
      core.log.warn({ err: error, account: own.id }, 'pictures could not be given back to their account'),
    )
  }
}
