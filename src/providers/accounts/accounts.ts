import { type AccountFile, watchAccountFile } from '../account-file.ts'
import type { Account, Provider } from '../provider.ts'
import type { ProviderError } from '../provider-error.ts'
import { expireAccount, saveRest, updateAccounts } from './account-table.ts'
import { type Choice, type Core, type CoreOptions, createCore, ownOf } from './core.ts'
import { createManagement, type Management } from './manage.ts'
import { refusalOf } from './refusal.ts'
import { createReserving, isKeyless, type Reservation, type Reserving } from './reserve.ts'
import { countUse } from './use.ts'

/**
 * The keys and tokens for the upstreams. Chooses among them, lets those rest that an upstream has turned away, limits the calls
 * of each, and keeps count of what each may draw in a day. Rows of the database are what all processes share.
 */
export interface Accounts extends Reserving {
  /** Whether there are accounts for a provider, or it needs none; with a pool, whether there are some in it. */
  has(provider: Provider, pool?: string): boolean
  /** Whether a provider is asked with a key, ours or a caller's. */
  takesKeys(provider: Provider): boolean
  /** An account to ask for the list of models. */
  first(provider: Provider): Account | undefined
  /**
   * Takes so many pictures from an account that may be asked, chosen by the strategy of its provider, and not one of the
   * `tried`; undefined where there is none. Whatever comes of it is to be told to `settle`.
   */
  reserve: Reserving['reserve']
  /** Gives back what was reserved and not delivered. */
  settle: Reserving['settle']
  /** Counts pictures that came without a reservation. */
  drew(account: Account, pictures: number): void
  /** Why `reserve` found none. */
  refusal(choice: Choice, pictures: number): ProviderError
  /**
   * Waits until an account has no more calls than it may have at the same time. Call what is returned when the call has
   * ended. Rejects with the signal's reason.
   */
  enter(account: Account, signal: () => AbortSignal): Promise<() => void>
  /**
   * Notes that an account failed. One that the upstream does not know is not asked again; any other one rests for
   * `duration` ms for this model, `soft` where it may still be asked when there is no other.
   */
  blame(reservation: Reservation, model: string, blame: Blame): Promise<void>
  manage: Management
  /** Writes down what is not written yet, and looks at files no more. */
  close(): Promise<void>
}

export interface Blame {
  failure: ProviderError
  duration: number
  soft: boolean
}

export interface AccountsOptions extends CoreOptions {
  providers: readonly Provider[]
  /** A file with tokens for one of them. */
  file?: AccountFileOptions | undefined
}

export interface AccountFileOptions {
  provider: string
  path: string
  /** How often to look at it, in ms; default 2000. */
  interval?: number | undefined
}

/** Opens the accounts: those of the providers' configuration, of the file, and of the database. */
export async function openAccounts(options: AccountsOptions): Promise<Accounts> {
  const { providers, file } = options
  const core = createCore(options)
  await core.sync()
  for (const { name, accounts } of providers) await core.roster.hold('env', name, secretsOf(accounts))
  const watched = file && (await openFile(core, file))
  await core.sync()
  await readmit(core)
  return {
    ...createReserving(core),
    has: (provider, pool) =>
      pool === undefined
        ? core.roster.of(provider.name).length > 0 || provider.accounts.some(isKeyless)
        : ownOf(core, { provider, pool }).length > 0,
    takesKeys: ({ name, accounts }) => core.roster.of(name).length > 0 || !accounts.some(isKeyless),
    first: ({ name, accounts }) =>
      core.roster.of(name).find(({ row }) => row.state === 'ready') ?? accounts.find(isKeyless),
    drew: ({ id }, pictures) => drew(core, id, pictures),
    refusal: (choice, pictures) => refusalOf(core, choice, pictures),
    enter: ({ id }, signal) => core.traffic.enter(id, signal),
    blame: (reservation, model, how) => blame(core, reservation, model, how),
    manage: createManagement(core, watched),
    close: async () => {
      watched?.close()
      await core.ledger.close()
    },
  }
}

const secretsOf = (accounts: readonly Account[]): string[] =>
  accounts.map(({ secret }) => secret).filter((secret) => secret !== '')

async function openFile(core: Core, { provider, path, interval }: AccountFileOptions): Promise<AccountFile> {
  const { log, roster, sync } = core
  const watched = watchAccountFile(path, {
    log,
    interval,
    changed: async (tokens) => {
      await roster.hold('file', provider, tokens)
      await sync()
    },
  })
  await watched.read().catch((cause: unknown) => {
    throw new Error(`the file of tokens ${path} cannot be read`, { cause })
  })
  return watched
}

/** Whoever starts the server with a key means that it is good: it gets another chance. */
async function readmit({ database, roster }: Core): Promise<void> {
  const expired = roster
    .rows()
    .filter((row) => row.source === 'env' && row.state === 'expired' && roster.isHeld(row))
  if (expired.length === 0) return
  for (const row of expired) row.state = 'ready'
  await updateAccounts(
    database.query,
    expired.map(({ id }) => id),
    { state: 'ready' },
  )
}

function drew({ roster, ledger, today }: Core, id: string, pictures: number): void {
  const own = roster.find(id)
  if (own === undefined) return
  countUse(own.row, today(), pictures)
  ledger.note(id, { pictures })
}

async function blame(
  core: Core,
  { account, own }: Reservation,
  model: string,
  { failure, duration, soft }: Blame,
): Promise<void> {
  // What may be nobody's fault, a broken line say, is not counted against it.
  if (own && !soft) core.ledger.note(own.id, { failures: 1, lastError: failure.message })
  if (own && failure.expired) {
    own.row.state = 'expired'
    await expireAccount(core.database.query, own.id)
    return
  }
  const until = core.clock.now() + duration
  core.rests.set(account, model, { until, soft, failure })
  if (own && !soft) {
    const { kind, detail } = failure
    await saveRest(core.database, { account_id: own.id, model, until, kind, detail })
  }
}
