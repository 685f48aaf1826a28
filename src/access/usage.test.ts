import { afterAll, describe, expect, test } from 'vitest'
import { testDatabases } from '../db/testing.ts'
import { createKeys } from './keys.ts'
import { createUsage, type UsageEntry } from './usage.ts'
import { countKeys, keyNames, usageReport, usageTotal } from './usage-report.ts'

const entry = (differences: Partial<UsageEntry> = {}): UsageEntry => ({
  day: '2026-11-24',
  owner: 'one',
  model: 'm',
  provider: 'p',
  requests: 1,
  pictures: 2,
  latency: 100,
  inputTokens: 10,
  outputTokens: 20,
  cost: 40_000,
  ...differences,
})

for (const engine of testDatabases()) {
  describe(engine.name, async () => {
    const opened = await engine.open()
    const { database } = opened
    const { query } = database
    afterAll(() => opened[Symbol.asyncDispose]())
    const usage = createUsage(database)
    const days = { from: '2026-11-24', to: '2026-11-25' }

    test('adds up in one row for each day, owner, model and provider', async () => {
      await Promise.all(
        Array.from({ length: 40 }, () => query.transaction().execute((query) => usage.add(query, entry()))),
      )
      await usage.add(
        query,
        entry({ owner: 'two', model: '模型 🦊\0', errors: 1, pictures: 0, cost: 0, unpriced: 1 }),
      )
      await usage.add(
        query,
        entry({ day: '2026-11-25', model: 'x'.repeat(300), provider: 'q', latency: 300 }),
      )
      await usage.add(query, entry({ day: '2026-11-26' }))
      expect(await query.selectFrom('usage_day').selectAll().execute()).toHaveLength(4)
      expect(await usageTotal(query, days)).toEqual({
        requests: 42,
        pictures: 82,
        errors: 1,
        inputTokens: 420,
        outputTokens: 840,
        latency: Math.round((41 * 100 + 300) / 42),
        cost: (41 * 40_000) / 1e6,
        unpriced: 1,
      })
    })

    test('is reported by each group; what nobody knows the price of is not free', async () => {
      const groups = async (group: 'day' | 'model' | 'key' | 'provider') =>
        (await usageReport(query, { ...days, group })).rows.map((row) => [row.group, row.requests, row.cost])
      expect(await groups('day')).toEqual([
        ['2026-11-24', 41, 1.6],
        ['2026-11-25', 1, 0.04],
      ])
      expect(await groups('key')).toEqual([
        ['one', 41, 1.64],
        ['two', 1, null],
      ])
      expect(await groups('provider')).toEqual([
        ['p', 41, 1.6],
        ['q', 1, 0.04],
      ])
      expect((await groups('model'))[0]).toEqual(['m', 40, 1.6])
      expect((await groups('model')).map(([name]) => name)).toContain('模型 🦊')
      expect(await usageTotal(query, { from: '2020-01-01', to: '2020-12-31' })).toMatchObject({
        requests: 0,
        latency: null,
        cost: 0,
      })
    })

    test('what is noted is written with the next flush, each time once', async () => {
      const later = entry({ day: '2026-12-01' })
      for (let index = 0; index < 100; index += 1) usage.note(later)
      const range = { from: '2026-12-01', to: '2026-12-01' }
      expect((await usageTotal(query, range)).requests).toBe(0)
      await Promise.all([usage.flush(), usage.flush()])
      usage.note(later)
      await usage.flush()
      expect((await usageTotal(query, range)).requests).toBe(101)
    })

    test('keys are counted and named', async () => {
      const keys = createKeys(database, { now: () => 1000 }, undefined)
      const { id } = await keys.create({ name: 'good', expiresAt: 1001 })
      await keys.create({ name: 'old', expiresAt: 1000 })
      await keys.create({ name: 'off', expiresAt: 1, enabled: false })
      expect(await countKeys(query, 1000)).toEqual({ total: 3, disabled: 1, expired: 1 })
      expect(await keyNames(query, [id, 'environment'])).toEqual(new Map([[id, 'good']]))
    })
  })
}

test('what could not be written is kept for the next flush', async () => {
  const [engine] = testDatabases()
  await using opened = await engine?.openEmpty()
  if (opened === undefined) throw new Error('there is no database to test on')
  const usage = createUsage(opened.database)
  usage.note(entry())
  await expect(usage.flush()).rejects.toThrow(/usage_day/)
  await opened.database.migrate()
  await usage.flush()
  const range = { from: '2026-11-24', to: '2026-11-24' }
  expect((await usageTotal(opened.database.query, range)).requests).toBe(1)
})
