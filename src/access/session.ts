import { randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Database } from '../db/connect.ts'
import { upsert } from '../db/upsert.ts'
import { hashSecret } from './secrets.ts'

/** Admin sessions, and the one-time link that opens the first one. Only hashes are kept. */
export interface Sessions {
  /** A new setup token; the one before it is worth nothing any more. */
  issueSetupToken(): Promise<string>
  /** Trades the setup token for a session, once; undefined for a wrong or used one. */
  openWithSetupToken(token: string): Promise<string | undefined>
  valid(session: string): Promise<boolean>
  /** Removes what has expired. */
  sweep(): Promise<void>
}

/** How long a session lasts, in ms. */
export const SESSION_LIFETIME = 30 * 24 * 60 * 60 * 1000

const SETUP_TOKEN = 'setup_token_hash'

export function createSessions(database: Database, clock: Clock): Sessions {
  const { query } = database
  const open = async () => {
    const session = randomSecret()
    const now = clock.now()
    await query
      .insertInto('session')
      .values({ hash: hashSecret(session), created_at: now, expires_at: now + SESSION_LIFETIME })
      .execute()
    return session
  }
  return {
    issueSetupToken: async () => {
      const token = randomSecret()
      await upsert(database, query, 'setting', { name: SETUP_TOKEN, value: hashSecret(token) }, ['name'])
      return token
    },
    openWithSetupToken: async (token) => {
      // The delete is the check, so that two clicks at once open one session.
      const used = await query
        .deleteFrom('setting')
        .where('name', '=', SETUP_TOKEN)
        .where('value', '=', hashSecret(token))
        .executeTakeFirst()
      return used.numDeletedRows > 0n ? open() : undefined
    },
    valid: async (session) => {
      const row = await query
        .selectFrom('session')
        .select('expires_at')
        .where('hash', '=', hashSecret(session))
        .executeTakeFirst()
      return row !== undefined && row.expires_at > clock.now()
    },
    sweep: async () => {
      await query.deleteFrom('session').where('expires_at', '<=', clock.now()).execute()
    },
  }
}

const randomSecret = () => randomBytes(32).toString('base64url')
