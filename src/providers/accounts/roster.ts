import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Vault } from '../../base/vault.ts'
import type { Database } from '../../db/connect.ts'
import type { Account } from '../provider.ts'
import { type AccountRow, insertAccounts, loadAccounts } from './account-table.ts'
import { newRow } from './new-row.ts'
import type { Mark } from './strategy.ts'

/** An account of ours with its row as this process knows it. What changes with each use is changed here at once. */
export interface OwnAccount extends Account {
  provider: string
  row: AccountRow
  mark: Mark
}

/** Where secrets come from that are not in the database. */
export type Origin = 'env' | 'file'

/** The accounts that there are: rows of the database, together with the secrets of the environment and of files. */
export interface Roster {
  /** Those of a provider whose secret is known, the oldest first. */
  of(provider: string): readonly OwnAccount[]
  find(id: string): OwnAccount | undefined
  /** Everyone, the oldest first; also those whose secret cannot be read. */
  rows(): readonly AccountRow[]
  /** Whether the secret of a row is known here. */
  isHeld(row: AccountRow): boolean
  /** The secrets of an origin are these, and only these, from now on. Look again with `load` afterwards. */
  hold(origin: Origin, provider: string, secrets: readonly string[]): Promise<void>
  fingerprint(provider: string, secret: string): string
  /** Reads all rows. */
  load(): Promise<void>
}

export interface RosterOptions {
  database: Database
  vault: Vault
  clock: Clock
  log: Logger
}

/** Sealed secrets open only for the row that they were sealed for. */
export const sealContext = (id: string): string => `account ${id}`

export function createRoster({ database, vault, clock, log }: RosterOptions): Roster {
  /** By origin and provider: the secrets, by their fingerprint. */
  const held = new Map<string, ReadonlyMap<string, string>>()
  let rows: readonly AccountRow[] = []
  let known: ReadonlyMap<string, OwnAccount> = new Map()
  let byProvider: ReadonlyMap<string, readonly OwnAccount[]> = new Map()
  const unreadable = new Set<string>()
  const fingerprint = (provider: string, secret: string) =>
    vault.fingerprint(secret, `account of ${provider}`)

  function secretOf(row: AccountRow): string | undefined {
    for (const origin of ['env', 'file'] as const) {
      const secret = held.get(`${origin} ${row.provider}`)?.get(row.fingerprint)
      if (secret !== undefined) return secret
    }
    return row.sealed === null ? undefined : open(row.id, row.sealed)
  }

  function open(id: string, sealed: string): string | undefined {
    const before = known.get(id)
    if (before !== undefined) return before.secret
    try {
      return vault.open(sealed, sealContext(id))
    } catch {
      if (!unreadable.has(id))
        log.warn({ account: id }, 'an account cannot be decrypted: SECRET_KEY has changed')
      unreadable.add(id)
      return undefined
    }
  }

  function toAccount(row: AccountRow): OwnAccount[] {
    const secret = secretOf(row)
    if (secret === undefined) return []
    // The same object as before: calls under way count on it.
    const account = known.get(row.id) ?? {
      id: row.id,
      secret,
      provider: row.provider,
      row,
      mark: { turn: 0, credit: 0 },
    }
    return [Object.assign(account, { secret, row })]
  }

  return {
    of: (provider) => byProvider.get(provider) ?? [],
    find: (id) => known.get(id),
    rows: () => rows,
    isHeld: (row) => known.has(row.id),
    hold: async (origin, provider, secrets) => {
      const entries = secrets.map((secret) => [fingerprint(provider, secret), secret] as const)
      held.set(`${origin} ${provider}`, new Map(entries))
      const present = new Set(rows.filter((row) => row.provider === provider).map((row) => row.fingerprint))
      const missing = entries
        .filter(([print]) => !present.has(print))
        .map(([print, secret]) =>
          newRow({ provider, source: origin, fingerprint: print, secret, now: clock.now() }),
        )
      await insertAccounts(database, missing)
    },
    fingerprint,
    load: async () => {
      rows = await loadAccounts(database.query)
      const accounts = rows.flatMap(toAccount)
      known = new Map(accounts.map((account) => [account.id, account]))
      byProvider = Map.groupBy(accounts, ({ provider }) => provider)
    },
  }
}
