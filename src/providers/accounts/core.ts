import type { Clock } from '../../base/clock.ts'
import { dayIn, endOfDay } from '../../base/day.ts'
import type { Logger } from '../../base/log.ts'
import type { Vault } from '../../base/vault.ts'
import type { Database } from '../../db/connect.ts'
import type { Account, Provider } from '../provider.ts'
import { ProviderError, type ProviderErrorKind } from '../provider-error.ts'
import { deleteOldRests, loadRests, type RestRow } from './account-table.ts'
import { createLedger, type Ledger } from './ledger.ts'
import { type AccountPolicy, limitOf } from './policy.ts'
import { createRests, type Rest, type Rests } from './rests.ts'
import { createRoster, type OwnAccount, type Roster } from './roster.ts'
import { createTraffic, type Traffic } from './traffic.ts'
import { countUse, usedOn } from './use.ts'

/** What everything about accounts works with. */
export interface Core {
  database: Database
  vault: Vault
  clock: Clock
  log: Logger
  roster: Roster
  rests: Rests
  traffic: Traffic
  ledger: Ledger
  policyOf(provider: string): AccountPolicy
  /** As YYYY-MM-DD, in the time zone of the server. */
  today(): string
  /** When today ends, in ms since the epoch. */
  midnight(): number
  /** Writes down what was noted, and reads what others have written. */
  sync(): Promise<void>
  /** The same, unless it was done within so many ms; whether it was done now. */
  syncAfter(age: number): Promise<boolean>
}

export interface CoreOptions {
  database: Database
  vault: Vault
  clock: Clock
  log: Logger
  /** IANA name: where days begin and end. */
  timeZone: string
  /** Most calls of one account at the same time; 0 for any number. */
  concurrency: number
  policyOf(provider: string): AccountPolicy
}

const HOUR = 60 * 60 * 1000

export function createCore(options: CoreOptions): Core {
  const { database, clock, log, timeZone } = options
  const today = () => dayIn(timeZone, clock.now())
  const roster = createRoster(options)
  const rests = createRests(clock)
  const ledger = createLedger({ database, log, today })
  let syncing: Promise<void> | undefined
  let synced = Number.NEGATIVE_INFINITY
  let swept = Number.NEGATIVE_INFINITY

  async function exchange(): Promise<void> {
    const now = clock.now()
    await ledger.flush()
    if (now - swept >= HOUR) await deleteOldRests(database.query, now)
    swept = now - swept >= HOUR ? now : swept
    await roster.load()
    for (const [id, { pictures }] of ledger.pending()) {
      const account = roster.find(id)
      if (account) countUse(account.row, today(), pictures)
    }
    rests.adopt(
      roster.rows().map(({ id }) => id),
      byAccount(await loadRests(database.query, now)),
    )
    synced = now
  }

  function sync(): Promise<void> {
    syncing ??= exchange().finally(() => {
      syncing = undefined
    })
    return syncing
  }

  return {
    ...options,
    roster,
    rests,
    ledger,
    traffic: createTraffic(options.concurrency),
    today,
    midnight: () => endOfDay(timeZone, clock.now()),
    sync,
    syncAfter: async (age) => {
      if (Math.abs(clock.now() - synced) < age) return false
      await sync()
      return true
    },
  }
}

function byAccount(rows: readonly RestRow[]): ReadonlyMap<string, ReadonlyMap<string, Rest>> {
  const accounts = new Map<string, Map<string, Rest>>()
  for (const { account_id: id, model, until, kind, detail } of rows) {
    const failure = new ProviderError(kind as ProviderErrorKind, { detail })
    accounts.set(
      id,
      (accounts.get(id) ?? new Map<string, Rest>()).set(model, { until, soft: false, failure }),
    )
  }
  return accounts
}

/** For what an account is wanted. */
export interface Choice {
  provider: Provider
  /** The upstream's own name. */
  model: string
  /** The caller's own, in place of ours. */
  account?: Account | undefined
  /** Only accounts of this pool; without one, only those that are in none. */
  pool?: string | undefined
}

/** The accounts of ours among which to choose. */
export const ownOf = (
  { roster }: Core,
  { provider, pool }: Pick<Choice, 'provider' | 'pool'>,
): readonly OwnAccount[] => roster.of(provider.name).filter(({ row }) => row.pool === (pool ?? null))

/** Whether an account has so many pictures left for today. */
export function hasLeft(core: Core, { provider, row }: OwnAccount, pictures: number): boolean {
  const limit = limitOf(row, core.policyOf(provider))
  return limit === undefined || usedOn(row, core.today()) + pictures <= limit
}
