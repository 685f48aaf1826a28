import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.ts'
import { newId } from '../base/id.ts'
import type { Database } from '../db/connect.ts'

/** Who makes a request, as far as the rest of the program needs to know. */
export interface Caller {
  /** Id of the key; all that is made with it belongs to it. */
  owner: string
  /** The key's own choice for requests that name no `response_format`. */
  imagesFormat: 'url' | 'b64_json' | undefined
  /** The pool of accounts that the key is bound to. */
  accountPool?: string | undefined
}

export interface Keys {
  /** The caller that a secret stands for; undefined for a wrong or disabled one. */
  identify(secret: string): Promise<Caller | undefined>
  /** Makes a key. The secret is returned this once; only its hash is kept. */
  create(options: {
    name: string
    imagesFormat?: 'url' | 'b64_json'
  }): Promise<{ id: string; secret: string }>
  /** Whether any key exists. */
  any(): Promise<boolean>
}

/** How long a looked-up key is trusted without looking again, in ms: a disabled key works this much longer at most. */
const REMEMBER = 10_000

/** `environmentKey` works beside the stored keys and is never written down. */
export function createKeys(database: Database, clock: Clock, environmentKey: string | undefined): Keys {
  const remembered = new LRUCache<string, { caller: Caller | undefined }>({ max: 10_000, ttl: REMEMBER })
  const fromEnvironment = environmentKey === undefined ? undefined : hashSecret(environmentKey)
  return {
    identify: async (secret) => {
      const hash = hashSecret(secret)
      if (fromEnvironment && timingSafeEqual(Buffer.from(hash), Buffer.from(fromEnvironment))) {
        return { owner: 'environment', imagesFormat: undefined }
      }
      const found = remembered.get(hash) ?? { caller: await findCaller(database, hash) }
      remembered.set(hash, found, { noUpdateTTL: true })
      return found.caller
    },
    create: async ({ name, imagesFormat }) => {
      const secret = `sk-${randomBytes(24).toString('base64url')}`
      const id = newId()
      const key = { id, name, hash: hashSecret(secret), prefix: secret.slice(0, 7) }
      await database.query
        .insertInto('api_key')
        .values({
          ...key,
          images_format: imagesFormat ?? null,
          created_at: clock.now(),
          disabled_at: null,
          last_used_at: null,
        })
        .execute()
      remembered.delete(key.hash)
      return { id, secret }
    },
    any: async () => (await database.query.selectFrom('api_key').select('id').limit(1).execute()).length > 0,
  }
}

async function findCaller(database: Database, hash: string): Promise<Caller | undefined> {
  const row = await database.query
    .selectFrom('api_key')
    .select(['id', 'images_format'])
    .where('hash', '=', hash)
    .where('disabled_at', 'is', null)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const format = row.images_format
  return { owner: row.id, imagesFormat: format === 'url' || format === 'b64_json' ? format : undefined }
}

/** Keys are 192 random bits, so a plain hash keeps them safe at rest; a slow one would only slow requests down. */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex')
