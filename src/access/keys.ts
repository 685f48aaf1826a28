import { timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/error.ts'
import { newId } from '../base/id.ts'
import type { Database } from '../db/connect.ts'
import { type ApiKey, findKey, type KeyChoices, listKeys, toColumns, toKey } from './key-table.ts'
import type { Limits } from './quota.ts'
import { createRequestRate } from './request-rate.ts'
import { hashSecret, newSecret } from './secrets.ts'

/** Who makes a request, as far as the rest of the program needs to know. */
export interface Caller {
  /** Id of the key; all that is made with it belongs to it. */
  owner: string
  /** The key's own choice for requests that name no `response_format`. */
  imagesFormat: 'url' | 'b64_json' | undefined
  /** Id of the stored key, whose pictures are counted; undefined for others, which have no limits. */
  keyId?: string
  limits?: Limits
  /** Most requests in a minute. */
  requestsPerMinute?: number | undefined
  /** The models that may be asked for; undefined for all. */
  models?: readonly string[] | undefined
  /** The upstream accounts that may be used; undefined for all. */
  accountPool?: string | undefined
}

export interface Keys {
  /**
   * The caller that a secret stands for; undefined for a wrong one.
   * @throws AppError `api_key_disabled`, `api_key_expired`
   */
  identify(secret: string): Promise<Caller | undefined>
  /** Counts a request of a caller. @throws AppError `request_rate_reached` */
  countRequest(caller: Caller): void
  /** Makes a key. The secret is returned this once; only its hash is kept. */
  create(options: NewKey): Promise<{ id: string; secret: string }>
  /** Whether any key exists. */
  any(): Promise<boolean>
  /** Keys, newest first; `before` is the id of the last one of the page before. */
  list(range: { limit: number; before?: string | undefined }): Promise<ApiKey[]>
  /** One key, by its id or by itself. */
  find(idOrSecret: string): Promise<ApiKey | undefined>
  /** Changes a key: at once here, in other processes within ten seconds. Undefined when there is none. */
  update(idOrSecret: string, choices: Partial<KeyChoices>): Promise<ApiKey | undefined>
  /** Deletes a key; its pictures stay. False when there is none. */
  remove(idOrSecret: string): Promise<boolean>
  /** Writes down when keys were last used. */
  flush(): Promise<void>
}

export interface NewKey extends Omit<Partial<KeyChoices>, 'name' | 'imagesFormat'> {
  name: string
  imagesFormat?: 'url' | 'b64_json' | null | undefined
}

/** How long a looked-up key is trusted without looking again, in ms: what another process changed holds from then on. */
const REMEMBER = 10_000

interface Known {
  caller: Caller
  isDisabled: boolean
  expiresAt: number | null
}

/** `environmentKey` works beside the stored keys, without limits, and is never written down. */
export function createKeys(database: Database, clock: Clock, environmentKey: string | undefined): Keys {
  const { query } = database
  const remembered = new LRUCache<string, { known: Known | undefined }>({ max: 10_000, ttl: REMEMBER })
  const fromEnvironment = environmentKey === undefined ? undefined : Buffer.from(hashSecret(environmentKey))
  const rate = createRequestRate(clock)
  const lastUsed = new Map<string, number>()
  let changes = 0

  /** Who was looked up while a key changed may be out of date. */
  function forget(hash: string): void {
    changes += 1
    remembered.delete(hash)
  }

  async function look(hash: string): Promise<Known | undefined> {
    const found = remembered.get(hash)
    if (found !== undefined) return found.known
    const before = changes
    const row = await query.selectFrom('api_key').selectAll().where('hash', '=', hash).executeTakeFirst()
    const known = row && toKnown(toKey(row))
    if (before === changes) remembered.set(hash, { known })
    if (known) lastUsed.set(known.caller.owner, clock.now())
    return known
  }

  return {
    identify: async (secret) => {
      const hash = hashSecret(secret)
      if (fromEnvironment && timingSafeEqual(Buffer.from(hash), fromEnvironment))
        return { owner: 'environment', imagesFormat: undefined }
      const known = await look(hash)
      if (known?.isDisabled) throw new AppError('api_key_disabled')
      if (known && known.expiresAt !== null && known.expiresAt <= clock.now())
        throw new AppError('api_key_expired')
      return known?.caller
    },
    countRequest: ({ keyId, requestsPerMinute }) => {
      if (keyId !== undefined && requestsPerMinute !== undefined) rate.count(keyId, requestsPerMinute)
    },
    create: async ({ name, ...choices }) => {
      const secret = newSecret()
      const id = newId()
      const hash = hashSecret(secret)
      const shown = { prefix: secret.slice(0, 7), suffix: secret.slice(-4) }
      const now = clock.now()
      const row = { ...EMPTY, ...toColumns({ ...choices, imagesFormat: choices.imagesFormat ?? null }, now) }
      await query
        .insertInto('api_key')
        .values({ ...row, id, name, hash, ...shown, created_at: now })
        .execute()
      forget(hash)
      return { id, secret }
    },
    any: async () => (await query.selectFrom('api_key').select('id').limit(1).execute()).length > 0,
    list: (range) => listKeys(query, range),
    find: async (idOrSecret) => {
      const row = await findKey(query, idOrSecret)
      return row && toKey(row)
    },
    update: async (idOrSecret, choices) => {
      const row = await findKey(query, idOrSecret)
      if (row === undefined) return undefined
      const now = clock.now()
      const changed = { ...toColumns(choices, now), updated_at: now }
      await query.updateTable('api_key').set(changed).where('id', '=', row.id).execute()
      forget(row.hash)
      return toKey({ ...row, ...changed })
    },
    remove: async (idOrSecret) => {
      const row = await findKey(query, idOrSecret)
      if (row === undefined) return false
      const isGone = await query.transaction().execute(async (query) => {
        await query.deleteFrom('key_quota').where('owner', '=', row.id).execute()
        const { numDeletedRows } = await query
          .deleteFrom('api_key')
          .where('id', '=', row.id)
          .executeTakeFirst()
        return numDeletedRows > 0n
      })
      forget(row.hash)
      return isGone
    },
    flush: async () => {
      const used = [...lastUsed]
      lastUsed.clear()
      for (const [id, at] of used) {
        await query.updateTable('api_key').set({ last_used_at: at }).where('id', '=', id).execute()
      }
    },
  }
}

function toKnown(key: ApiKey): Known {
  const caller: Caller = {
    owner: key.id,
    keyId: key.id,
    imagesFormat: key.imagesFormat ?? undefined,
    limits: { daily: key.dailyLimit ?? undefined, monthly: key.monthlyLimit ?? undefined },
    requestsPerMinute: key.rpm ?? undefined,
    models: key.models ?? undefined,
    accountPool: key.accountPool ?? undefined,
  }
  return { caller, isDisabled: !key.enabled, expiresAt: key.expiresAt }
}

const EMPTY = {
  images_format: null,
  daily_limit: null,
  monthly_limit: null,
  rpm: null,
  models: null,
  expires_at: null,
  account_pool: null,
  note: null,
  updated_at: null,
  disabled_at: null,
  last_used_at: null,
}
