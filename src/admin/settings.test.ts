import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { Settings } from '../../contract/settings.ts'
import { AppError } from '../base/error.ts'
import { createLog } from '../base/log.ts'
import { testDatabases } from '../db/testing.ts'
import { type FromEnvironment, openSettings } from './settings.ts'

for (const engine of testDatabases()) {
  describe(engine.name, async () => {
    const opened = await engine.open()
    const { database } = opened
    afterAll(() => opened[Symbol.asyncDispose]())
    afterEach(async () => {
      await database.query.deleteFrom('setting').execute()
    })

    /** As one process sees them. */
    async function open(environment: FromEnvironment = {}) {
      const applied: Settings[] = []
      const store = await openSettings({
        database,
        log: createLog('silent'),
        environment,
        apply: (settings) => applied.push(settings),
        check: ({ provider_order }) => {
          if (provider_order?.includes('unknown')) throw new AppError('invalid_value')
        },
      })
      return { store, applied }
    }

    test('the defaults hold, until something is changed, and then at once and for good', async () => {
      const { store, applied } = await open()
      expect(store.current()).toEqual({ mode: 'auto', provider_order: [] })
      await store.change({ mode: 'relay' })
      await store.change({ provider_order: ['b', 'a'] })
      const now = { mode: 'relay', provider_order: ['b', 'a'] }
      expect(store.current()).toEqual(now)
      expect(applied).toEqual([{ mode: 'auto', provider_order: [] }, { ...now, provider_order: [] }, now])
      expect((await open()).applied).toEqual([now])
      await store.change({})
      await store.change({ mode: 'auto', provider_order: [] })
      expect((await open()).store.current()).toEqual({ mode: 'auto', provider_order: [] })
    })

    test('another process hears of it', async () => {
      const [here, there] = [await open(), await open()]
      await here.store.change({ mode: 'direct' })
      expect(there.store.current().mode).toBe('auto')
      await there.store.reload()
      expect(there.store.current().mode).toBe('direct')
      expect(there.applied.at(-1)?.mode).toBe('direct')
    })

    test('what the environment sets wins, is shown as locked and stays', async () => {
      const free = await open()
      await free.store.change({ mode: 'relay' })
      const { store } = await open({ mode: { value: 'direct', variable: 'UPSTREAM_MODE' } })
      expect(store.current().mode).toBe('direct')
      expect(store.locked()).toEqual({ mode: 'UPSTREAM_MODE' })
      const change = store.change({ mode: 'auto', provider_order: ['a'] })
      await expect(change).rejects.toMatchObject({ code: 'setting_locked', param: 'mode' })
      expect(store.current()).toEqual({ mode: 'direct', provider_order: [] })
      await store.change({ provider_order: ['a'] })
      await free.store.reload()
      expect(free.store.current()).toEqual({ mode: 'relay', provider_order: ['a'] })
    })

    test('a change that cannot hold changes nothing', async () => {
      const { store } = await open()
      const change = store.change({ mode: 'relay', provider_order: ['unknown'] })
      await expect(change).rejects.toMatchObject({ code: 'invalid_value' })
      expect((await open()).store.current()).toEqual({ mode: 'auto', provider_order: [] })
    })

    test('what is kept but cannot be read has its default, the rest holds', async () => {
      for (const value of ['"sideways"', '{', 'null', '["relay"]', '']) {
        await database.query.deleteFrom('setting').execute()
        const rows = [
          { name: 'settings.mode', value },
          { name: 'settings.provider_order', value: '["a"]' },
          { name: 'mode', value: '"relay"' },
        ]
        await database.query.insertInto('setting').values(rows).execute()
        expect((await open()).store.current()).toEqual({ mode: 'auto', provider_order: ['a'] })
      }
    })
  })
}
