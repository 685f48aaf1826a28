import type { Kysely } from 'kysely'
import type { Clock } from '../base/clock.ts'
import type { Database } from '../db/connect.ts'
import type { Schema } from '../db/schema.ts'
import { hashSecret } from './secrets.ts'
import { randomSecret } from './setup-token.ts'

/** Admin sessions. They are rows, so they outlive the process; only hashes are kept. */
export interface Sessions {
  /** A new session of an admin. */
  open(adminId: string): Promise<string>
  /** Whose session this is; undefined for one that has ended or never was. Each day of use lets it live longer. */
  find(session: string): Promise<SignedIn | undefined>
  close(session: string): Promise<void>
  /** Removes what has expired. */
  sweep(): Promise<void>
}

export interface SignedIn {
  adminId: string
  username: string
  /** It was made to live longer just now, so the browser should hear of it. */
  extended: boolean
}

const DAY = 24 * 60 * 60 * 1000

/** How long a session lasts without being used, in ms. */
export const SESSION_LIFETIME = 30 * DAY

/** A use makes a session live longer, but not each one writes. */
const EXTEND_AFTER = DAY

export function createSessions({ query }: Database, clock: Clock): Sessions {
  return {
    open: async (adminId) => {
      const session = randomSecret()
      const now = clock.now()
      const times = { created_at: now, expires_at: now + SESSION_LIFETIME }
      await query
        .insertInto('session')
        .values({ hash: hashSecret(session), admin_id: adminId, ...times })
        .execute()
      return session
    },
    find: async (session) => {
      const hash = hashSecret(session)
      const row = await query
        .selectFrom('session')
        .innerJoin('admin', 'admin.id', 'session.admin_id')
        .select(['admin.id', 'admin.username', 'session.expires_at'])
        .where('session.hash', '=', hash)
        .executeTakeFirst()
      const now = clock.now()
      if (row === undefined || row.expires_at <= now) return undefined
      const extended = row.expires_at - now <= SESSION_LIFETIME - EXTEND_AFTER
      if (extended) {
        const expires_at = now + SESSION_LIFETIME
        await query.updateTable('session').set({ expires_at }).where('hash', '=', hash).execute()
      }
      return { adminId: row.id, username: row.username, extended }
    },
    close: async (session) => {
      await query.deleteFrom('session').where('hash', '=', hashSecret(session)).execute()
    },
    sweep: async () => {
      await query.deleteFrom('session').where('expires_at', '<=', clock.now()).execute()
    },
  }
}

/** Ends every session; part of the transaction that changes the account. */
export async function endSessions(query: Kysely<Schema>): Promise<void> {
  await query.deleteFrom('session').execute()
}
