import type { AccountStrategy } from '../../../contract/account.ts'

/** What the order of an account depends on. */
export interface Standing {
  id: string
  /** Pictures of today, those that are being drawn included. */
  used: number
  /** Most pictures a day; undefined for any number. */
  limit: number | undefined
  /** ms since the epoch; undefined for one that was never used. */
  lastUsedAt: number | undefined
  weight: number
  priority: number
  mark: Mark
}

/** What this process remembers of an account from one choice to the next. */
export interface Mark {
  /** Grows with each use, for uses within the same millisecond. */
  turn: number
  /** What `weighted` owes it; see {@link payCredit}. */
  credit: number
}

/** The account to be asked first. @param last id of the one that was chosen before */
export function firstOf<One extends Standing>(
  strategy: AccountStrategy,
  accounts: readonly One[],
  { now, last = '' }: { now: number; last?: string | undefined },
): One | undefined {
  const order = ORDERS[strategy]({ now, last })
  const compare = (a: One, b: One) => order(a, b) || a.mark.turn - b.mark.turn || byText(a.id, b.id)
  const [first, ...others] = accounts
  return first && others.reduce((best, one) => (compare(one, best) < 0 ? one : best), first)
}

/**
 * After a choice by weight: everyone who could have been chosen earns its weight, and the chosen one pays for all. So of
 * weights 3 and 1, the first is chosen three times of four, and the other one's turn is never long in coming.
 */
export function payCredit(among: readonly Standing[], chosen: Standing): void {
  for (const { mark, weight } of among) mark.credit += weight
  chosen.mark.credit -= among.reduce((sum, { weight }) => sum + weight, 0)
}

type Compare = (a: Standing, b: Standing) => number

const ORDERS: Record<AccountStrategy, (state: { now: number; last: string }) => Compare> = {
  // In a ring: ids sort by the time they were made.
  round_robin:
    ({ last }) =>
    (a, b) =>
      Number(a.id <= last) - Number(b.id <= last) || byText(a.id, b.id),
  least_used: () => (a, b) => a.used - b.used || lastUse(a) - lastUse(b),
  least_recent: () => (a, b) => lastUse(a) - lastUse(b),
  weighted: () => (a, b) => b.mark.credit + b.weight - (a.mark.credit + a.weight) || byText(a.id, b.id),
  hybrid:
    ({ now }) =>
    (a, b) =>
      hybridScore(b, now) - hybridScore(a, now),
  // Filled one after the other, so those of the same priority keep the order in which they came.
  priority: () => (a, b) => b.priority - a.priority || byText(a.id, b.id),
}

/** Stands for the limit of an account that has none. */
const UNLIMITED = 1_000_000
const MINUTE = 60_000

/** What is left for today, the more the longer the account has rested. */
export function hybridScore(
  { limit = UNLIMITED, used, lastUsedAt }: Pick<Standing, 'limit' | 'used' | 'lastUsedAt'>,
  now: number,
): number {
  const minutes = lastUsedAt === undefined ? Number.POSITIVE_INFINITY : Math.max(0, now - lastUsedAt) / MINUTE
  return (limit - used) * (1 + Math.min(10, minutes * 0.1))
}

const lastUse = ({ lastUsedAt = 0 }: Standing) => lastUsedAt

const byText = (a: string, b: string) => (a < b ? -1 : Number(a > b))
