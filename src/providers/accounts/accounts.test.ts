import { afterAll, describe, expect, test } from 'vitest'
import { newId } from '../../base/id.ts'
import type { Database } from '../../db/connect.ts'
import { testDatabases } from '../../db/testing.ts'
import { NOON, openTestAccounts, providerOf, reserve } from './testing.ts'

const HOUR = 60 * 60 * 1000
const nextName = () => `upstream-${newId().slice(-12)}`

const rowsOf = ({ query }: Database, provider: string) =>
  query.selectFrom('account').selectAll().where('provider', '=', provider).orderBy('id').execute()

for (const engine of testDatabases()) {
  describe(engine.name, async () => {
    const { database, ...rest } = await engine.open()
    afterAll(() => rest[Symbol.asyncDispose]())

    test('an account never draws more than its limit, whoever asks at the same moment', async () => {
      const provider = providerOf(nextName(), 'k1', 'k2', 'k3', 'k4', 'k5')
      const policy = { strategy: 'hybrid', dailyLimit: 10 } as const
      const two = [
        await openTestAccounts({ database, providers: [provider], policy }),
        await openTestAccounts({ database, providers: [provider], policy }),
      ]
      const got = await Promise.all(
        Array.from({ length: 120 }, (_, index) => {
          const accounts = two[index % 2]
          if (accounts === undefined) throw new Error('there are two')
          return reserve(accounts, provider)
        }),
      )
      expect(got.filter(({ reservation }) => reservation)).toHaveLength(50)
      const rows = await rowsOf(database, provider.name)
      expect(rows.map((row) => row.used_today)).toEqual([10, 10, 10, 10, 10])
      const refused = got.find(({ refusal }) => refusal)?.refusal
      expect(refused).toMatchObject({ kind: 'quota', detail: 'no account has a picture left for today.' })
      // Until midnight in Berlin.
      expect(refused?.retryAfter).toBe((12 * HOUR) / 1000)

      await Promise.all(got.map(({ settle }, index) => settle(index % 3 === 0 ? 0 : 1)))
      const kept = got.filter(({ reservation }, index) => reservation && index % 3 !== 0).length
      const after = await rowsOf(database, provider.name)
      expect(after.reduce((sum, row) => sum + row.used_today, 0)).toBe(kept)
      expect(after.reduce((sum, row) => sum + row.used_total, 0)).toBe(kept)
      for (const accounts of two) await accounts.close()
    })

    test('a call for several pictures goes to one that has as many left; part of it may be given back', async () => {
      const provider = providerOf(nextName(), 'first', 'second')
      const accounts = await openTestAccounts({ database, providers: [provider], policy: { dailyLimit: 5 } })
      const one = await reserve(accounts, provider, { pictures: 4 })
      expect(one.secret).toBe('first')
      expect((await reserve(accounts, provider, { pictures: 4 })).secret).toBe('second')
      expect((await reserve(accounts, provider, { pictures: 4 })).refusal?.detail).toBe(
        'no account has 4 pictures left for today.',
      )
      await one.settle(1)
      expect((await reserve(accounts, provider, { pictures: 4 })).secret).toBe('first')
      // More came than was asked for.
      const last = await reserve(accounts, provider, { pictures: 1 })
      await last.settle(3)
      await accounts.close()
      expect((await rowsOf(database, provider.name)).map((row) => row.used_today)).toEqual([5, 7])
      expect((await reserve(accounts, provider, { pictures: 6 })).refusal?.kind).toBe('quota')
    })

    test('at midnight where the server is, the day begins again, also for what was reserved before', async () => {
      let now = NOON + 12 * HOUR - 1
      const provider = providerOf(nextName(), 'only')
      const open = () =>
        openTestAccounts({
          ...{ database, providers: [provider], policy: { dailyLimit: 2 } },
          clock: { now: () => now },
        })
      const accounts = await open()
      const late = await reserve(accounts, provider, { pictures: 2 })
      expect(late.reservation?.day).toBe('2026-03-28')
      expect((await reserve(accounts, provider)).refusal?.retryAfter).toBe(1)
      now += 1
      const early = await reserve(accounts, provider)
      expect(early.reservation?.day).toBe('2026-03-29')
      // What was not drawn belongs to yesterday, and gives today nothing.
      await late.settle(0)
      expect((await reserve(accounts, provider)).secret).toBe('only')
      expect((await reserve(accounts, provider)).refusal?.retryAfter).toBe(23 * 3600)
      expect(await rowsOf(database, provider.name)).toMatchObject([
        { used_day: '2026-03-29', used_today: 2, used_total: 2 },
      ])
      await accounts.close()
      // A process that was killed with a reservation: the next day heals it, and no other process sees more before.
      const next = await open()
      expect((await reserve(next, provider)).refusal?.kind).toBe('quota')
      now += 23 * HOUR
      expect((await reserve(next, provider)).secret).toBe('only')
    })

    test('a limit of the account wins over that of the provider, and 0 is none', async () => {
      const provider = providerOf(nextName(), 'env')
      const accounts = await openTestAccounts({ database, providers: [provider], policy: { dailyLimit: 1 } })
      const { manage } = accounts
      await manage.add({ provider: provider.name, tokens: ['three'], dailyLimit: 3, priority: 2 })
      await manage.add({ provider: provider.name, tokens: ['free'], dailyLimit: 0, priority: -1 })
      const secrets = []
      for (let index = 0; index < 6; index += 1) secrets.push((await reserve(accounts, provider)).secret)
      expect(secrets).toEqual(['three', 'three', 'three', 'env', 'free', 'free'])
      await accounts.close()
    })

    test('without a limit nothing is written with a request; use is told later, and on closing', async () => {
      const provider = providerOf(nextName(), 'a', 'b')
      const accounts = await openTestAccounts({
        ...{ database, providers: [provider], policy: { strategy: 'least_used' } },
      })
      const all = await Promise.all([1, 2, 3].map(() => reserve(accounts, provider, { pictures: 2 })))
      await Promise.all(all.map(({ settle }) => settle(2)))
      expect((await rowsOf(database, provider.name)).map((row) => row.used_today)).toEqual([0, 0])
      expect((await accounts.manage.list(provider.name)).map((one) => one.usedToday)).toEqual([4, 2])
      const chat = await reserve(accounts, provider, { pictures: 0 })
      await chat.settle(0)
      if (chat.reservation) accounts.drew(chat.reservation.account, 1)
      await accounts.close()
      expect(await rowsOf(database, provider.name)).toMatchObject([
        { used_today: 4, used_total: 4, last_used_at: NOON },
        { used_today: 3, used_total: 3, last_used_at: NOON },
      ])
    })

    test('an account that is limited rests for that model, in other processes and after a restart too', async () => {
      let now = NOON
      const provider = providerOf(nextName(), 'a', 'b')
      const open = () => openTestAccounts({ database, providers: [provider], clock: { now: () => now } })
      const first = await open()
      await (await reserve(first, provider)).blame('rate')
      expect((await reserve(first, provider)).secret).toBe('b')
      expect((await reserve(first, provider, { model: 'other' })).secret).toBe('a')
      const second = await open()
      expect((await reserve(second, provider)).secret).toBe('b')
      now += 20_000
      await (await reserve(second, provider)).blame('quota', { duration: 3_600_000 })
      const { refusal } = await reserve(second, provider)
      expect(refusal).toMatchObject({ kind: 'rate', detail: 'it said rate', retryAfter: 40 })
      expect((await second.manage.list(provider.name)).map(({ state }) => state)).toEqual([
        'cooling',
        'cooling',
      ])
      // The first hears of it within seconds.
      expect((await reserve(first, provider)).refusal?.kind).toBe('rate')
      now += 40_001
      expect((await reserve(first, provider)).secret).toBe('a')
      await first.close()
      await second.close()
      expect(await rowsOf(database, provider.name)).toMatchObject([
        { failures: 1, last_error: 'rate: it said rate' },
        { failures: 1, last_error: 'quota: it said quota' },
      ])
    })

    test('a soft rest makes others preferred, and one alone is asked all the same', async () => {
      const provider = providerOf(nextName(), 'a', 'b')
      const accounts = await openTestAccounts({ database, providers: [provider] })
      await (await reserve(accounts, provider)).blame('network', { soft: true })
      const next = await reserve(accounts, provider)
      expect(next.secret).toBe('b')
      expect(
        (await reserve(accounts, provider, { tried: [next.reservation?.account.id ?? ''] })).secret,
      ).toBe('a')
    })

    test('an expired account is not asked again, not by others and not after a restart, until it is given a chance', async () => {
      const provider = providerOf(nextName())
      const first = await openTestAccounts({ database, providers: [provider] })
      await first.manage.add({ provider: provider.name, tokens: ['bad', 'good'] })
      const second = await openTestAccounts({ database, providers: [provider] })
      await (await reserve(first, provider)).blame('auth', { expired: true })
      expect((await reserve(first, provider)).secret).toBe('good')
      // What a process takes from a limit it takes only where the database says that it may.
      await second.manage.list()
      expect((await reserve(second, provider)).secret).toBe('good')
      await (await reserve(second, provider)).blame('auth', { expired: true })
      const third = await openTestAccounts({ database, providers: [provider] })
      const { refusal } = await reserve(third, provider)
      expect(refusal).toMatchObject({ kind: 'auth', detail: expect.stringContaining('all 2 keys') })
      expect((await third.manage.list(provider.name)).map(({ state }) => state)).toEqual([
        'expired',
        'expired',
      ])
      expect(await third.manage.add({ provider: provider.name, tokens: ['good', 'new'] })).toEqual({
        added: 2,
        duplicates: 0,
      })
      expect((await reserve(third, provider)).secret).toBe('good')
      await third.manage.resetUsage()
      expect((await reserve(third, provider)).secret).toBe('bad')
    })

    test('a key of the environment that expired gets another chance when the server starts', async () => {
      const provider = providerOf(nextName(), 'key')
      const first = await openTestAccounts({ database, providers: [provider] })
      await (await reserve(first, provider)).blame('auth', { expired: true })
      expect((await reserve(first, provider)).refusal?.kind).toBe('auth')
      expect((await first.manage.list(provider.name))[0]?.state).toBe('expired')
      const second = await openTestAccounts({ database, providers: [provider] })
      expect((await reserve(second, provider)).secret).toBe('key')
    })

    test('what was expired elsewhere is found out by taking from its limit', async () => {
      const provider = providerOf(nextName(), 'a', 'b')
      const options = { database, providers: [provider], policy: { dailyLimit: 5 } }
      const first = await openTestAccounts(options)
      const second = await openTestAccounts(options)
      await (await reserve(first, provider)).blame('auth', { expired: true })
      expect((await reserve(second, provider)).secret).toBe('b')
    })
  })
}

test('an upstream without keys has an account without limits, of which nothing is written', async () => {
  const [engine] = testDatabases()
  await using opened = await engine?.open()
  if (opened === undefined) throw new Error('there is always SQLite')
  const provider = providerOf('keyless')
  const accounts = await openTestAccounts({
    ...{ database: opened.database, providers: [provider], policy: { dailyLimit: 1 } },
  })
  for (let index = 0; index < 3; index += 1) {
    const { secret, settle } = await reserve(accounts, provider, { pictures: 4 })
    expect(secret).toBe('')
    await settle(4)
  }
  await (await reserve(accounts, provider)).blame('rate')
  expect((await reserve(accounts, provider)).refusal).toMatchObject({ kind: 'rate', retryAfter: 60 })
  await accounts.close()
  expect(await opened.database.query.selectFrom('account').selectAll().execute()).toEqual([])
  expect(await opened.database.query.selectFrom('account_rest').selectAll().execute()).toEqual([])
})

test('keys that callers bring are not kept, and without number they do not push out an account that rests', async () => {
  const [engine] = testDatabases()
  await using opened = await engine?.open()
  if (opened === undefined) throw new Error('there is always SQLite')
  const provider = providerOf('upstream', 'ours')
  const accounts = await openTestAccounts({ database: opened.database, providers: [provider] })
  await (await reserve(accounts, provider)).blame('rate')
  for (let index = 0; index < 25_000; index += 1) {
    const account = { id: `own:${index}`, secret: 'x', brought: true }
    const own = await reserve(accounts, provider, { account })
    expect(own.secret).toBe('x')
    await own.blame('auth', { expired: true })
  }
  expect((await reserve(accounts, provider)).refusal?.detail).toBe('it said rate')
  await accounts.close()
  expect(await opened.database.query.selectFrom('account').select('provider').execute()).toHaveLength(1)
})
