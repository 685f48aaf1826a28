import { createHash } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/error.ts'
import type { Database } from '../db/connect.ts'
import { insertIgnore } from '../db/upsert.ts'

/** Counts wrong passwords of a client for a name. The counts are rows, so replicas share them and a restart keeps them. */
export interface LoginLock {
  /**
   * Counts an attempt as wrong before its password is looked at: many at the same moment cannot all slip through.
   *
   * @throws {AppError} `login_locked` when there were too many, with the time until the next one is let in
   */
  enter(attempt: Attempt): Promise<void>
  /** The password was right: nothing is counted any more. */
  forget(attempt: Attempt): Promise<void>
  /** Removes what counts no more. */
  sweep(): Promise<void>
}

export interface Attempt {
  /** Who asks, see `clientOf`. */
  client: string
  username: string
}

/** So many wrong passwords, within so many ms, and the next is refused unseen. */
export const MOST_WRONG = 5
export const WRONG_WINDOW = 15 * 60 * 1000

export function createLoginLock(database: Database, clock: Clock): LoginLock {
  const { query } = database
  return {
    enter: async (attempt) => {
      const who = nameOf(attempt)
      await query.transaction().execute(async (query) => {
        const now = clock.now()
        const first = { who, times: '[]', last_at: now }
        await insertIgnore(database, query, 'login_failure', first)
        const row = await query
          .selectFrom('login_failure')
          .select('times')
          .where('who', '=', who)
          .modifyEnd(database.facts.forUpdate)
          .executeTakeFirst()
        const recent = timesOf(row?.times).filter((time) => time > now - WRONG_WINDOW)
        const [oldest = now] = recent
        if (recent.length >= MOST_WRONG)
          throw new AppError('login_locked', { retryAfter: (oldest + WRONG_WINDOW - now) / 1000 })
        const times = JSON.stringify([...recent, now])
        await query.updateTable('login_failure').set({ times, last_at: now }).where('who', '=', who).execute()
      })
    },
    forget: async (attempt) => {
      await query.deleteFrom('login_failure').where('who', '=', nameOf(attempt)).execute()
    },
    sweep: async () => {
      await query
        .deleteFrom('login_failure')
        .where('last_at', '<=', clock.now() - WRONG_WINDOW)
        .execute()
    },
  }
}

/** What people type into a name field by mistake is now and then their password, so it is not kept in clear. */
const nameOf = ({ client, username }: Attempt): string =>
  createHash('sha256').update(`${client}\n${username}`).digest('hex')

const timesOf = (text = '[]'): number[] => {
  const times: unknown = JSON.parse(text)
  return Array.isArray(times) ? times.filter((time) => typeof time === 'number') : []
}
