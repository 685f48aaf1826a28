import type { AccountState, AccountStrategy } from '../../contract/account.ts'
import { AppError } from '../base/error.ts'
import { tokensIn } from '../providers/account-file.ts'
import type { AccountChanges, AccountView, NewAccounts } from '../providers/accounts/manage.ts'
import type { Gateway } from './gateway.ts'

type Accounts = Pick<Gateway, 'accounts'>

/** All accounts, the oldest first, or those of one provider. Never with a secret. */
export const listAccounts = ({ accounts }: Accounts, provider?: string): Promise<AccountView[]> =>
  accounts.manage.list(provider)

/**
 * Adds accounts. A token that is known and out of use gets another chance and counts as added.
 * @throws AppError `invalid_value` that names what is wrong
 */
export async function addAccounts(
  { accounts }: Accounts,
  added: NewAccounts,
): Promise<{ added: number; duplicates: number }> {
  const { provider, pool = '-', weight = 1, priority = 0, dailyLimit = 0 } = added
  if (provider === '' || provider.length > 64) throw invalid('provider', 'expected the name of a provider.')
  if (added.tokens.length === 0 || added.tokens.length > MOST_TOKENS)
    throw invalid('tokens', `expected 1 to ${MOST_TOKENS} tokens.`)
  checkChanges({ pool, weight, priority, dailyLimit })
  return accounts.manage.add({ ...added, tokens: added.tokens.map(checkedToken) })
}

/** Changes the pool, weight, priority, limit or state of an account; whether it exists. @throws AppError `invalid_value` */
export async function changeAccount(
  { accounts }: Accounts,
  id: string,
  changes: AccountChanges,
): Promise<boolean> {
  checkChanges(changes)
  return accounts.manage.change(id, changes)
}

/** Removes accounts, or disables those that would come from the environment or a file again; how many. */
export const removeAccounts = (
  { accounts }: Accounts,
  which: { ids?: readonly string[]; tokens?: readonly string[] },
): Promise<number> => accounts.manage.remove(which)

/** Reads `SSO_FILE` again; expired accounts of it and of the environment get another chance. How many are in the file. */
export const reloadFile = ({ accounts }: Accounts): Promise<number> => accounts.manage.reload()

/** Every account begins its day again, none rests, and expired ones get another chance. */
export const resetUsage = ({ accounts }: Accounts): Promise<void> => accounts.manage.resetUsage()

/** The accounts as `GET /admin/status` shows them. */
export interface AccountsStatus {
  total_keys: number
  /** Those that the upstream refused. */
  failed_count: number
  strategy: AccountStrategy
  /** 0 for any number. */
  daily_limit: number
  /** ms since the epoch. */
  next_reset_timestamp: number
  keys: AccountStatus[]
}

export interface AccountStatus {
  id: string
  provider: string
  pool: string | null
  key_prefix: string
  used_today: number
  /** Null for any number. */
  remaining: number | null
  /** ms since the epoch. */
  last_used: number | null
  state: AccountState
}

/** @param provider whose strategy and limit are named; default: that of the first account */
export async function accountsStatus({ accounts }: Accounts, provider?: string): Promise<AccountsStatus> {
  const { manage } = accounts
  const all = await manage.list()
  const { strategy, dailyLimit } = manage.policyOf(provider ?? all[0]?.provider ?? '')
  return {
    total_keys: all.length,
    failed_count: all.filter(({ state }) => state === 'expired').length,
    strategy,
    daily_limit: dailyLimit,
    next_reset_timestamp: manage.midnight(),
    keys: all.map(statusOf),
  }
}

/** An account as the admin sees it: masked. */
export function statusOf(account: AccountView): AccountStatus {
  return {
    id: account.id,
    provider: account.provider,
    pool: account.pool ?? null,
    key_prefix: account.masked,
    used_today: account.usedToday,
    remaining: account.remaining ?? null,
    last_used: account.lastUsedAt ?? null,
    state: account.state,
  }
}

/** Most tokens that one request may add. */
const MOST_TOKENS = 1000
const MOST = 1_000_000

/** Tokens are taken in the same forms as in a file. The error does not repeat what was sent. */
function checkedToken(text: string, index: number): string {
  const { tokens, wrong } = tokensIn(text)
  const [token, ...others] = tokens
  if (token === undefined || others.length > 0 || wrong.length > 0)
    throw invalid(
      `tokens[${index}]`,
      'expected visible ASCII characters without spaces, quotes, commas and semicolons.',
    )
  return token
}

function checkChanges({ pool, weight, priority, dailyLimit }: AccountChanges): void {
  if (pool !== undefined && pool !== null && !/^[\w.-]{1,64}$/.test(pool))
    throw invalid('pool', 'expected letters, digits, dots, dashes and underscores, at most 64.')
  checkInteger('weight', weight, 1, 1000)
  checkInteger('priority', priority, -1000, 1000)
  checkInteger('daily_limit', dailyLimit, 0, MOST)
}

function checkInteger(param: string, value: number | null | undefined, least: number, most: number): void {
  if (value === undefined || value === null) return
  if (!Number.isInteger(value) || value < least || value > most)
    throw invalid(param, `expected a whole number from ${least} to ${most}.`)
}

const invalid = (param: string, detail: string) =>
  new AppError('invalid_value', { param, values: { detail } })
