import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/error.ts'
import { newId } from '../base/id.ts'
import type { Database } from '../db/connect.ts'
import { isUniqueViolation } from '../db/errors.ts'
import type { LoginLock } from './login-lock.ts'
import { hashPassword, isPassword } from './password.ts'
import { endSessions } from './session.ts'
import { type SetupTokens, spendSetupToken } from './setup-token.ts'

/** The admin account. There is at most one. */
export interface Admins {
  any(): Promise<boolean>
  /** Makes the account. @throws {AppError} `admin_exists`, or `setup_link_invalid` for a token that is not the right one */
  setUp(token: string, account: Credentials): Promise<Admin>
  /** @throws {AppError} `wrong_login`, or `login_locked` after too many of them */
  signIn(client: string, account: Credentials): Promise<Admin>
  /** Also ends every session. @throws as {@link signIn}, for the old password */
  changePassword(client: string, admin: Admin, passwords: { old: string; new: string }): Promise<void>
  /** Makes this the account, in place of one with another name or password, whose sessions end. */
  adopt(account: Credentials): Promise<void>
}

export interface Admin {
  id: string
  username: string
}

export interface Credentials {
  username: string
  password: string
}

export interface AdminsOptions {
  database: Database
  clock: Clock
  tokens: SetupTokens
  lock: LoginLock
}

export function createAdmins({ database, clock, tokens, lock }: AdminsOptions): Admins {
  const { query } = database
  const inTurn = createTurn()
  let nobodysHash: Promise<string> | undefined
  const find = async (username: string) => {
    // PostgreSQL cannot compare with a NUL, and no name has one.
    if (username.includes('\0')) return undefined
    const row = await query
      .selectFrom('admin')
      .selectAll()
      .where('username', '=', username)
      .executeTakeFirst()
    // MySQL overlooks spaces at the end, which would make many names of one, each with its own count of wrong passwords.
    return row?.username === username ? row : undefined
  }
  const any = async () =>
    (await query.selectFrom('admin').select('id').limit(1).executeTakeFirst()) !== undefined

  function verify(client: string, { username, password }: Credentials): Promise<Admin> {
    return inTurn(async () => {
      await lock.enter({ client, username })
      const row = await find(username)
      // An unknown name takes as long as a known one.
      nobodysHash ??= hashPassword(newId())
      const isRight = await isPassword(password, row?.password_hash ?? (await nobodysHash))
      if (row === undefined || !isRight) throw new AppError('wrong_login')
      await lock.forget({ client, username })
      return { id: row.id, username: row.username }
    })
  }

  return {
    any,
    setUp: async (token, { username, password }) => {
      if (await any()) throw new AppError('admin_exists')
      if (!(await tokens.isGood(token))) throw new AppError('setup_link_invalid')
      const admin = { id: newId(), username }
      const row = { ...admin, password_hash: await hashPassword(password), created_at: clock.now() }
      await query.transaction().execute(async (query) => {
        if (!(await spendSetupToken(query, token))) throw new AppError('setup_link_invalid')
        await query.insertInto('admin').values(row).execute()
      })
      return admin
    },
    signIn: verify,
    changePassword: async (client, { id, username }, passwords) => {
      await verify(client, { username, password: passwords.old })
      const password_hash = await hashPassword(passwords.new)
      await query.transaction().execute(async (query) => {
        await query.updateTable('admin').set({ password_hash }).where('id', '=', id).execute()
        await endSessions(query)
      })
    },
    adopt: async ({ username, password }) => {
      const present = await query.selectFrom('admin').selectAll().execute()
      const [only] = present
      const isSame = present.length === 1 && only?.username === username
      if (isSame && (await isPassword(password, only.password_hash))) return
      const password_hash = await hashPassword(password)
      const row = { id: newId(), username, password_hash, created_at: clock.now() }
      const replacing = query.transaction().execute(async (query) => {
        await endSessions(query)
        await query.deleteFrom('admin').execute()
        await query.insertInto('admin').values(row).execute()
      })
      // Another process that starts at the same moment has made it.
      await replacing.catch((error: unknown) => {
        if (!isUniqueViolation(error)) throw error
      })
    },
  }
}

/** One at a time: hashing takes a thread of those that also read and write the pictures, and there are four. */
function createTurn() {
  let last: Promise<unknown> = Promise.resolve()
  return <Result>(work: () => Promise<Result>): Promise<Result> => {
    const mine = last.then(work, work)
    last = mine.catch(() => undefined)
    return mine
  }
}
