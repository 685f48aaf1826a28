import { timingSafeEqual } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Database } from '../db/connect.ts'
import { type Admins, type Credentials, createAdmins } from './admins.ts'
import { createLoginLock } from './login-lock.ts'
import { hashSecret } from './secrets.ts'
import { createSessions, type Sessions } from './session.ts'
import { createSetupTokens, type SetupTokens } from './setup-token.ts'

/** All by which somebody is known as the admin. */
export interface AdminAccess {
  admins: Admins
  sessions: Sessions
  setupTokens: SetupTokens
  /** Whether the environment names the account, so that it can only be changed there. */
  isLocked: boolean
  /** Whether this is the admin key of the environment; never so where there is none. */
  isKey(secret: string): boolean
  /** Removes what has expired. */
  sweep(): Promise<void>
}

export interface AdminAccessOptions {
  /** The account that the environment names. */
  account: Credentials | undefined
  /** The key that the environment names; it is never written down. */
  key: string | undefined
}

/** Makes the parts, and the account of the environment where it names one. */
export async function createAdminAccess(
  database: Database,
  clock: Clock,
  { account, key }: AdminAccessOptions,
): Promise<AdminAccess> {
  const setupTokens = createSetupTokens(database)
  const sessions = createSessions(database, clock)
  const lock = createLoginLock(database, clock)
  const admins = createAdmins({ database, clock, tokens: setupTokens, lock })
  if (account) await admins.adopt(account)
  const hash = key === undefined ? undefined : Buffer.from(hashSecret(key))
  return {
    admins,
    sessions,
    setupTokens,
    isLocked: account !== undefined,
    isKey: (secret) => hash !== undefined && timingSafeEqual(Buffer.from(hashSecret(secret)), hash),
    sweep: async () => {
      await sessions.sweep()
      await lock.sweep()
    },
  }
}
