import { randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Database } from '../db/connect.ts'
import type { Schema } from '../db/schema.ts'
import { upsert } from '../db/upsert.ts'
import { hashSecret } from './secrets.ts'

/**
 * The token of the one-time link with which the admin account is made, so that only who sees the terminal of a fresh server
 * can make it. There is one at a time, and only its hash is kept.
 */
export interface SetupTokens {
  /** A new one; the one before it is worth nothing any more. */
  issue(): Promise<string>
  /** Whether this is the one that is worth something; leaves it as it is. */
  isGood(token: string): Promise<boolean>
}

const NAME = 'setup_token_hash'

export function createSetupTokens(database: Database): SetupTokens {
  const { query } = database
  return {
    issue: async () => {
      const token = randomSecret()
      await upsert(database, query, 'setting', { name: NAME, value: hashSecret(token) }, ['name'])
      return token
    },
    isGood: async (token) => {
      const found = await query
        .selectFrom('setting')
        .select('name')
        .where('name', '=', NAME)
        .where('value', '=', hashSecret(token))
        .executeTakeFirst()
      return found !== undefined
    },
  }
}

/** Takes a token away; false when it was not the right one. The delete is the check, so of two at once one wins. */
export async function spendSetupToken(query: Kysely<Schema>, token: string): Promise<boolean> {
  const used = await query
    .deleteFrom('setting')
    .where('name', '=', NAME)
    .where('value', '=', hashSecret(token))
    .executeTakeFirst()
  return used.numDeletedRows > 0n
}

/** 256 random bits as text. */
export const randomSecret = (): string => randomBytes(32).toString('base64url')
