import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { testDatabases } from '../db/testing.ts'
import { createAdmins } from './admins.ts'
import { createLoginLock, MOST_WRONG, WRONG_WINDOW } from './login-lock.ts'
import { createSessions, SESSION_LIFETIME } from './session.ts'
import { createSetupTokens } from './setup-token.ts'

const DAY = 24 * 60 * 60 * 1000
const account = { username: '管理员 Ada', password: 'correct horse battery' }
const client = '192.0.2.1'

for (const engine of testDatabases()) {
  describe(engine.name, async () => {
    const opened = await engine.open()
    const { database } = opened
    let now = 1_800_000_000_000
    const clock = { now: () => now }
    const tokens = createSetupTokens(database)
    const sessions = createSessions(database, clock)
    /** As in another process. */
    const process = () => {
      const lock = createLoginLock(database, clock)
      return { lock, admins: createAdmins({ database, clock, tokens, lock }) }
    }
    const { admins, lock } = process()
    const code = (promise: Promise<unknown>) =>
      promise.then(
        () => 'fine',
        (error: { code?: string }) => error.code ?? String(error),
      )
    afterAll(() => opened[Symbol.asyncDispose]())
    afterEach(async () => {
      for (const table of ['admin', 'session', 'login_failure', 'setting'] as const)
        await database.query.deleteFrom(table).execute()
    })
    const setUp = async () => admins.setUp(await tokens.issue(), account)

    test('the account is made with the newest token alone, once, however many try at once', async () => {
      const outdated = await tokens.issue()
      const token = await tokens.issue()
      expect(await code(admins.setUp(outdated, account))).toBe('setup_link_invalid')
      expect(await code(admins.setUp('', account))).toBe('setup_link_invalid')
      expect(await admins.any()).toBe(false)
      const tries = ['one', 'two', 'three'].map((name) =>
        code(process().admins.setUp(token, { ...account, username: name })),
      )
      const ends = (await Promise.all(tries)).sort()
      expect(ends.at(0)).toMatch(/admin_exists|fine/)
      expect(ends.filter((end) => end === 'fine')).toHaveLength(1)
      expect(await database.query.selectFrom('admin').selectAll().execute()).toHaveLength(1)
      expect(await code(admins.setUp(await tokens.issue(), account))).toBe('admin_exists')
    })

    test('password, token and session are written nowhere', async () => {
      const token = await tokens.issue()
      const { id } = await admins.setUp(token, account)
      const second = await tokens.issue()
      const session = await sessions.open(id)
      const rows = await Promise.all(
        (['admin', 'session', 'setting'] as const).map((table) =>
          database.query.selectFrom(table).selectAll().execute(),
        ),
      )
      const written = JSON.stringify(rows)
      expect(written).toContain('$argon2id$v=19$m=19456,t=2,p=1$')
      for (const secret of [account.password, token, second, session]) expect(written).not.toContain(secret)
    })

    test('only the right name with the right password signs in', async () => {
      const admin = await setUp()
      expect(await admins.signIn(client, account)).toEqual(admin)
      // The same letters from another keyboard, once as one character, once as two.
      await admins.changePassword(client, admin, { old: account.password, new: 'caf\u00e9 caf\u00e9' })
      const composed = { username: account.username, password: 'cafe\u0301 cafe\u0301' }
      expect(await admins.signIn(client, composed)).toEqual(admin)
      const wrong = [
        account,
        { ...composed, username: account.username.toLowerCase() },
        { ...composed, username: `${account.username}\0` },
        { ...composed, username: `${account.username} ` },
      ]
      for (const one of wrong) expect(await code(admins.signIn(client, one))).toBe('wrong_login')
    })

    test('five wrong passwords lock that name for that client, in every process, until the first is old', async () => {
      await setUp()
      const wrong = { ...account, password: 'wrong password' }
      for (let count = 0; count < MOST_WRONG; count += 1) {
        expect(await code(process().admins.signIn(client, wrong))).toBe('wrong_login')
        now += 60_000
      }
      const refused = await process()
        .admins.signIn(client, account)
        .catch((error: unknown) => error)
      expect(refused).toMatchObject({ code: 'login_locked', retryAfter: WRONG_WINDOW / 1000 - 300 })
      expect(await code(admins.signIn('192.0.2.2', account))).toBe('fine')
      expect(await code(admins.signIn(client, { ...wrong, username: 'other' }))).toBe('wrong_login')
      now += WRONG_WINDOW - 300_000 - 1
      expect(await code(admins.signIn(client, account))).toBe('login_locked')
      now += 1
      expect(await code(admins.signIn(client, wrong))).toBe('wrong_login')
      expect(await code(admins.signIn(client, account))).toBe('login_locked')
      now += 60_000
      expect(await code(admins.signIn(client, account))).toBe('fine')
      for (let count = 0; count < MOST_WRONG; count += 1)
        expect(await code(admins.signIn(client, wrong)), 'a right one begins anew').toBe('wrong_login')
    })

    test('of many guesses at the same moment in several processes five are looked at', async () => {
      await setUp()
      const guesses = Array.from({ length: 20 }, (_, index) =>
        code(process().admins.signIn(client, { ...account, password: `guess number ${index}` })),
      )
      const ends = await Promise.all(guesses)
      expect(ends.filter((end) => end === 'wrong_login')).toHaveLength(MOST_WRONG)
      expect(ends.filter((end) => end === 'login_locked')).toHaveLength(20 - MOST_WRONG)
    })

    test('what counts no more is swept', async () => {
      await lock.enter({ client, username: 'x' })
      now += WRONG_WINDOW - 1
      await lock.enter({ client, username: 'y' })
      await lock.sweep()
      expect(await database.query.selectFrom('login_failure').selectAll().execute()).toHaveLength(2)
      now += 1
      await lock.sweep()
      expect(await database.query.selectFrom('login_failure').selectAll().execute()).toHaveLength(1)
    })

    test('a new password needs the old one and ends every session', async () => {
      const admin = await setUp()
      const session = await sessions.open(admin.id)
      const change = (old: string) => admins.changePassword(client, admin, { old, new: 'a new password' })
      expect(await code(change('wrong password'))).toBe('wrong_login')
      expect(await sessions.find(session)).toBeDefined()
      await change(account.password)
      expect(await sessions.find(session)).toBeUndefined()
      expect(await code(admins.signIn(client, account))).toBe('wrong_login')
      expect(await code(admins.signIn(client, { ...account, password: 'a new password' }))).toBe('fine')
    })

    test('the account of the environment replaces another one, and then stays as it is with its sessions', async () => {
      const own = await setUp()
      const first = await sessions.open(own.id)
      const given = { username: 'operator', password: 'from the environment' }
      await Promise.all([admins.adopt(given), process().admins.adopt(given)])
      expect(await sessions.find(first)).toBeUndefined()
      expect(await code(admins.signIn(client, account))).toBe('wrong_login')
      const { id } = await admins.signIn(client, given)
      const session = await sessions.open(id)
      await admins.adopt(given)
      expect(await sessions.find(session)).toMatchObject({ adminId: id, username: 'operator' })
      await admins.adopt({ ...given, password: 'another password' })
      expect(await sessions.find(session)).toBeUndefined()
      expect(await code(admins.signIn(client, given))).toBe('wrong_login')
    })

    test('a session lasts thirty days from its last day of use, then it is swept', async () => {
      const { id } = await setUp()
      const session = await sessions.open(id)
      now += DAY - 1
      expect(await sessions.find(session)).toMatchObject({ adminId: id, extended: false })
      now += 1
      expect(await sessions.find(session)).toMatchObject({ extended: true })
      expect(await sessions.find(session)).toMatchObject({ extended: false })
      now += SESSION_LIFETIME - 1
      await sessions.sweep()
      expect(await sessions.find(session)).toMatchObject({ extended: true })
      now += SESSION_LIFETIME
      expect(await sessions.find(session)).toBeUndefined()
      await sessions.sweep()
      expect(await database.query.selectFrom('session').selectAll().execute()).toEqual([])
    })

    test('a session that was closed, or never was, is none', async () => {
      const { id } = await setUp()
      const [session, other] = [await sessions.open(id), await sessions.open(id)]
      await sessions.close(session)
      for (const none of [session, '', 'x', "' or 1=1 --"]) expect(await sessions.find(none)).toBeUndefined()
      expect(await sessions.find(other)).toBeDefined()
    })
  })
}
