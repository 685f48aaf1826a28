import type { AccountStrategy } from '../../../contract/account.ts'

/** How the accounts of a provider are used. */
export interface AccountPolicy {
  strategy: AccountStrategy
  /** Pictures a day for an account that has no limit of its own; 0 for any number. */
  dailyLimit: number
}

/** What an account may draw in a day; undefined for any number. */
export function limitOf(
  row: { daily_limit: number | null },
  { dailyLimit }: AccountPolicy,
): number | undefined {
  const limit = row.daily_limit ?? dailyLimit
  return limit === 0 ? undefined : limit
}
