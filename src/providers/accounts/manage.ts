import type { AccountState } from '../../../contract/account.ts'
import type { AccountTable } from '../../db/schema.ts'
import type { AccountFile } from '../account-file.ts'
import {
  type AccountRow,
  deleteAccounts,
  deleteRests,
  insertAccounts,
  resetUsage,
  updateAccounts,
} from './account-table.ts'
import type { Core } from './core.ts'
import { newRow } from './new-row.ts'
import { type AccountPolicy, limitOf } from './policy.ts'
import { sealContext } from './roster.ts'
import { usedOn } from './use.ts'

/** An account as people may see it. */
export interface AccountView {
  id: string
  provider: string
  pool: string | undefined
  source: AccountTable['source']
  masked: string
  weight: number
  priority: number
  /** Pictures a day; undefined for any number. */
  dailyLimit: number | undefined
  usedToday: number
  /** Undefined where there is no limit. */
  remaining: number | undefined
  usedTotal: number
  failures: number
  state: AccountState
  /** When it may be asked for every model again, in ms since the epoch. */
  coolingUntil: number | undefined
  lastError: string | undefined
  lastUsedAt: number | undefined
  createdAt: number
}

export interface NewAccounts {
  provider: string
  tokens: readonly string[]
  pool?: string | undefined
  weight?: number | undefined
  priority?: number | undefined
  /** Pictures a day; 0 for any number, absent for the limit of the provider. */
  dailyLimit?: number | undefined
}

/** What can be changed of an account; null clears. */
export interface AccountChanges {
  pool?: string | null | undefined
  weight?: number | undefined
  priority?: number | undefined
  dailyLimit?: number | null | undefined
  state?: 'ready' | 'disabled' | undefined
}

/** What an administrator does with accounts. Other processes learn of it within seconds. */
export interface Management {
  /** All whose secret is known here or kept in the database, the oldest first. */
  list(provider?: string): Promise<AccountView[]>
  /** Adds accounts; one that is there already becomes ready again and counts as added only if it was not. */
  add(accounts: NewAccounts): Promise<{ added: number; duplicates: number }>
  /** Changes one account; whether it exists. */
  change(id: string, changes: AccountChanges): Promise<boolean>
  /** Removes accounts. Those of the environment or a file come from there again, so they are disabled instead. */
  remove(which: { ids?: readonly string[]; tokens?: readonly string[] }): Promise<number>
  /** Reads the file again, and gives expired accounts of it and of the environment another chance; how many are in the file. */
  reload(): Promise<number>
  /** Every account begins its day again; none rests, and expired ones get another chance. */
  resetUsage(): Promise<void>
  policyOf(provider: string): AccountPolicy
  /** When the counts of today begin again, in ms since the epoch. */
  midnight(): number
}

export function createManagement(core: Core, file: AccountFile | undefined): Management {
  const { database, roster, sync } = core
  const { query } = database
  return {
    list: async (provider) => {
      await sync()
      return roster
        .rows()
        .filter((row) => (provider === undefined || row.provider === provider) && isThere(core, row))
        .map((row) => viewOf(core, row))
    },
    add: (accounts) => add(core, accounts),
    change: async (id, { dailyLimit, ...changes }) => {
      await sync()
      if (!roster.rows().some((row) => row.id === id)) return false
      const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
      const all = { ...given, ...(dailyLimit === undefined ? {} : { daily_limit: dailyLimit }) }
      if (Object.keys(all).length > 0) await updateAccounts(query, [id], all)
      await sync()
      return true
    },
    remove: async ({ ids = [], tokens = [] }) => {
      await sync()
      const wanted = new Set(ids)
      const rows = roster.rows().filter((row) => isThere(core, row))
      const found = rows.filter(
        (row) =>
          wanted.has(row.id) ||
          tokens.some((token) => roster.fingerprint(row.provider, token) === row.fingerprint),
      )
      const [gone, kept] = [found.filter(isOurs), found.filter((row) => !isOurs(row))]
      await deleteAccounts(query, gone.map(idOf))
      await updateAccounts(query, kept.map(idOf), { state: 'disabled' })
      await sync()
      return found.length
    },
    reload: async () => {
      await file?.read()
      await sync()
      const given = roster.rows().filter((row) => !isOurs(row) && roster.isHeld(row))
      await readmit(
        core,
        given.filter(({ state }) => state !== 'ready'),
      )
      return given.filter(({ source }) => source === 'file').length
    },
    resetUsage: async () => {
      await core.ledger.flush()
      await resetUsage(query)
      await sync()
    },
    policyOf: core.policyOf,
    midnight: core.midnight,
  }
}

/** Its secret was added here, and lies nowhere else. */
const isOurs = ({ sealed }: AccountRow) => sealed !== null

const idOf = ({ id }: AccountRow) => id

/** Of the environment and files, only what is in them now. */
const isThere = ({ roster }: Core, row: AccountRow): boolean => isOurs(row) || roster.isHeld(row)

function viewOf(core: Core, row: AccountRow): AccountView {
  const limit = limitOf(row, core.policyOf(row.provider))
  const used = usedOn(row, core.today())
  const coolingUntil = core.rests.longest(row.id)
  const isReadable = core.roster.isHeld(row)
  return {
    id: row.id,
    provider: row.provider,
    pool: row.pool ?? undefined,
    source: row.source,
    masked: row.masked,
    weight: row.weight,
    priority: row.priority,
    dailyLimit: limit,
    usedToday: used,
    remaining: limit === undefined ? undefined : Math.max(0, limit - used),
    usedTotal: row.used_total,
    failures: row.failures,
    state: !isReadable ? 'expired' : row.state === 'ready' && coolingUntil ? 'cooling' : row.state,
    coolingUntil,
    lastError: isReadable ? (row.last_error ?? undefined) : 'it cannot be decrypted: SECRET_KEY has changed.',
    lastUsedAt: row.last_used_at ?? undefined,
    createdAt: row.created_at,
  }
}

async function add(core: Core, accounts: NewAccounts): Promise<{ added: number; duplicates: number }> {
  const { database, roster, sync, clock } = core
  const { provider, pool, weight = 1, priority = 0, dailyLimit } = accounts
  await sync()
  const tokens = [...new Set(accounts.tokens)]
  const present = new Map(
    roster.rows().flatMap((row) => (row.provider === provider ? [[row.fingerprint, row] as const] : [])),
  )
  const known = tokens.flatMap((token) => present.get(roster.fingerprint(provider, token)) ?? [])
  const fresh = tokens.filter((token) => !present.has(roster.fingerprint(provider, token)))
  await insertAccounts(
    database,
    fresh.map((secret) => {
      const fingerprint = roster.fingerprint(provider, secret)
      const row = newRow({ provider, source: 'admin', fingerprint, secret, now: clock.now() })
      const sealed = core.vault.seal(secret, sealContext(row.id))
      return { ...row, sealed, pool: pool ?? null, weight, priority, daily_limit: dailyLimit ?? null }
    }),
  )
  const back = known.filter((row) => row.state !== 'ready' || !isThere(core, row))
  await keepSecrets(core, provider, tokens, back)
  await readmit(core, back)
  const added = fresh.length + back.length
  return { added, duplicates: accounts.tokens.length - added }
}

/** A token that was in a file or the environment and is there no more is now kept here. */
async function keepSecrets(
  core: Core,
  provider: string,
  tokens: readonly string[],
  rows: readonly AccountRow[],
) {
  const { database, roster, vault } = core
  const byFingerprint = new Map(tokens.map((token) => [roster.fingerprint(provider, token), token]))
  for (const { id, fingerprint } of rows.filter((row) => !isThere(core, row))) {
    const sealed = vault.seal(byFingerprint.get(fingerprint) ?? '', sealContext(id))
    await updateAccounts(database.query, [id], { sealed, source: 'admin' })
  }
}

async function readmit({ database, sync }: Core, rows: readonly AccountRow[]): Promise<void> {
  const ids = rows.map(idOf)
  await updateAccounts(database.query, ids, { state: 'ready' })
  await deleteRests(database.query, ids)
  await sync()
}
