import { afterAll, describe, expect, test } from 'vitest'
import { AppError } from '../base/error.ts'
import { newId } from '../base/id.ts'
import { connect } from '../db/connect.ts'
import { testDatabases } from '../db/testing.ts'
import {
  chargePictures,
  checkQuota,
  giveBackPictures,
  type Limits,
  readUsed,
  reservePictures,
} from './quota.ts'

const NOON = { now: Date.parse('2026-11-24T12:00:00Z'), timeZone: 'UTC' }
const DAY = '2026-11-24'

for (const engine of testDatabases()) {
  describe(engine.name, async () => {
    const opened = await engine.open()
    const { database, url } = opened
    const { query } = database
    afterAll(() => opened[Symbol.asyncDispose]())

    const reserve = (owner: string, limits: Limits, pictures = 1, moment = NOON, on = database) =>
      on.query
        .transaction()
        .execute((query) => reservePictures(on, query, { owner, limits }, pictures, moment))
    const usedBy = async (owner: string, day = DAY) => (await readUsed(query, [owner], day)).get(owner)
    const codeOf = (promise: Promise<unknown>) =>
      promise.then(
        () => 'ok',
        (error: unknown) => (error instanceof AppError ? error.code : error),
      )

    test('of 200 at once 100 get what there is, on a server over two pools of connections', async () => {
      // SQLite makes the process wait for its lock, also where the same process holds it.
      const other = engine.name === 'sqlite' ? database : await connect(url)
      try {
        const owner = newId()
        const outcomes = await Promise.all(
          Array.from({ length: 200 }, (_, index) =>
            codeOf(reserve(owner, { daily: 100 }, 1, NOON, index % 2 ? database : other)),
          ),
        )
        const count = (wanted: string) => outcomes.filter((outcome) => outcome === wanted).length
        expect([count('ok'), count('daily_limit_reached')]).toEqual([100, 100])
        expect(await usedBy(owner)).toEqual({ today: 100, month: 100 })
      } finally {
        if (other !== database) await other.close()
      }
    })

    test('of several pictures all are reserved or none, of the day and of the month', async () => {
      const owner = newId()
      await reserve(owner, { daily: 5, monthly: 8 }, 3)
      expect(await codeOf(reserve(owner, { daily: 5, monthly: 8 }, 3))).toBe('daily_limit_reached')
      expect(await usedBy(owner)).toEqual({ today: 3, month: 3 })
      await reserve(owner, { daily: 5, monthly: 8 }, 2)
      expect(await codeOf(reserve(owner, { monthly: 8 }, 4))).toBe('monthly_limit_reached')
      expect(await usedBy(owner)).toEqual({ today: 5, month: 5 })
      expect(await codeOf(reserve(newId(), { daily: 5 }, 6))).toBe('daily_limit_reached')
    })

    test('what is used counts without a limit too, for the limit that may come', async () => {
      const owner = newId()
      await reserve(owner, {}, 4)
      expect(await usedBy(owner)).toEqual({ today: 4, month: 4 })
      expect(await codeOf(reserve(owner, { daily: 4 }))).toBe('daily_limit_reached')
    })

    test('what is given back can be had again, and never more than that', async () => {
      const owner = newId()
      await reserve(owner, { daily: 5 }, 5)
      await giveBackPictures(query, owner, 2, DAY)
      expect(await usedBy(owner)).toEqual({ today: 3, month: 3 })
      await giveBackPictures(query, owner, 20, DAY)
      expect(await usedBy(owner)).toEqual({ today: 0, month: 0 })
    })

    test('a charge knows no limit, and a check only looks', async () => {
      const holder = { owner: newId(), limits: { daily: 2, monthly: 5 } }
      await checkQuota(query, holder, NOON)
      await chargePictures(database, query, holder.owner, 3, DAY)
      expect(await usedBy(holder.owner)).toEqual({ today: 3, month: 3 })
      expect(await codeOf(checkQuota(query, holder, NOON))).toBe('daily_limit_reached')
      const tomorrow = { ...NOON, now: NOON.now + 86_400_000 }
      expect(await codeOf(checkQuota(query, holder, tomorrow))).toBe('ok')
      await chargePictures(database, query, holder.owner, 2, '2026-11-25')
      const later = { ...NOON, now: NOON.now + 2 * 86_400_000 }
      expect(await codeOf(checkQuota(query, holder, later))).toBe('monthly_limit_reached')
    })

    test('a day and a month end at midnight of the time zone, and the refusal says when', async () => {
      const owner = newId()
      const limits = { daily: 1, monthly: 2 }
      const timeZone = 'Europe/Berlin'
      // The clocks go back in that night, so the day has 25 hours.
      const evening = { now: Date.parse('2026-10-25T21:00:00Z'), timeZone }
      const refusal = async (now: number) => {
        const error = await reserve(owner, limits, 1, { now, timeZone }).catch((thrown: unknown) => thrown)
        if (!(error instanceof AppError)) return error
        return [error.code, error.retryAfter]
      }
      await reserve(owner, limits, 1, evening)
      const morning = Date.parse('2026-10-24T22:00:00Z')
      expect(await refusal(morning)).toEqual(['daily_limit_reached', 25 * 3600])
      const midnight = Date.parse('2026-10-25T23:00:00Z')
      expect(await refusal(midnight - 1)).toEqual(['daily_limit_reached', 0.001])
      expect(await refusal(midnight)).toBe('2026-10-26')
      expect(await refusal(midnight + 86_400_000)).toEqual(['monthly_limit_reached', 5 * 86_400])
      expect(await refusal(Date.parse('2026-10-31T23:00:00Z'))).toBe('2026-11-01')
    })
  })
}
