import { afterAll, describe, expect, test } from 'vitest'
import { newId } from '../base/id.ts'
import { testDatabases } from '../db/testing.ts'
import { createKeys } from './keys.ts'

for (const engine of testDatabases()) {
  describe(engine.name, async () => {
    const opened = await engine.open()
    const { database } = opened
    afterAll(() => opened[Symbol.asyncDispose]())
    let now = 1_000_000
    const clock = { now: () => now }
    const keys = createKeys(database, clock, 'the-environment')

    test('a key is shown by its beginning and its end, and found by its id and by itself', async () => {
      const { id, secret } = await keys.create({
        name: '鑰匙',
        dailyLimit: 5,
        monthlyLimit: 50,
        rpm: 3,
        models: ['a', '模型'],
        expiresAt: now + 10,
        accountPool: 'pool',
        note: 'for the team 🦊',
      })
      const shown = {
        id,
        name: '鑰匙',
        masked: `${secret.slice(0, 7)}…${secret.slice(-4)}`,
        enabled: true,
        dailyLimit: 5,
        monthlyLimit: 50,
        rpm: 3,
        models: ['a', '模型'],
        expiresAt: now + 10,
        accountPool: 'pool',
        imagesFormat: null,
        note: 'for the team 🦊',
        createdAt: now,
        updatedAt: null,
        lastUsedAt: null,
      }
      expect(await keys.find(id)).toEqual(shown)
      expect(await keys.find(secret)).toEqual(shown)
      for (const wrong of [newId(), `${secret}x`, shown.masked, '', "' or 1=1 --"])
        expect(await keys.find(wrong)).toBeUndefined()
      expect(await keys.identify(secret)).toEqual({
        owner: id,
        keyId: id,
        imagesFormat: undefined,
        limits: { daily: 5, monthly: 50 },
        requestsPerMinute: 3,
        models: ['a', '模型'],
        accountPool: 'pool',
      })
      const row = await database.query
        .selectFrom('api_key')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst()
      expect(JSON.stringify(row)).not.toContain(secret.slice(7, -4))
      await keys.flush()
      expect(await keys.find(id)).toMatchObject({ lastUsedAt: now })
    })

    test('a change takes effect at once; what it does not name stays, null clears', async () => {
      const { id, secret } = await keys.create({ name: 'changing', dailyLimit: 5, rpm: 3, models: ['a'] })
      expect(await keys.identify(secret)).toMatchObject({ limits: { daily: 5 }, models: ['a'] })
      now += 1
      const changed = await keys.update(secret, { dailyLimit: null, models: null, monthlyLimit: 7 })
      expect(changed).toMatchObject({ name: 'changing', dailyLimit: null, monthlyLimit: 7, rpm: 3 })
      expect(changed).toEqual(await keys.find(id))
      expect(changed?.updatedAt).toBe(now)
      expect(await keys.identify(secret)).toMatchObject({
        limits: { daily: undefined, monthly: 7 },
        models: undefined,
        requestsPerMinute: 3,
      })
      await keys.update(id, { enabled: false })
      await expect(keys.identify(secret)).rejects.toMatchObject({ code: 'api_key_disabled' })
      await keys.update(id, { enabled: true, name: 'new' })
      expect(await keys.identify(secret)).toMatchObject({ owner: id })
      expect(await keys.find(id)).toMatchObject({ name: 'new' })
      expect(await keys.update(newId(), { name: 'none' })).toBeUndefined()
    })

    test('a key ends with its time, also while it is remembered', async () => {
      const { secret } = await keys.create({ name: 'short', expiresAt: now + 100 })
      now += 99
      expect(await keys.identify(secret)).toBeDefined()
      now += 1
      await expect(keys.identify(secret)).rejects.toMatchObject({ code: 'api_key_expired' })
    })

    test('a key that is deleted is a wrong one, at once and only once', async () => {
      const { id, secret } = await keys.create({ name: 'gone' })
      expect(await keys.identify(secret)).toBeDefined()
      expect(await keys.remove(secret)).toBe(true)
      expect(await keys.identify(secret)).toBeUndefined()
      expect(await keys.remove(id)).toBe(false)
    })

    test('pages are newest first and do not overlap', async () => {
      for (const name of ['one', 'two', 'three']) await keys.create({ name })
      const all = await keys.list({ limit: 100 })
      expect(all.slice(0, 3).map(({ name }) => name)).toEqual(['three', 'two', 'one'])
      const first = await keys.list({ limit: 2 })
      const second = await keys.list({ limit: 100, before: first.at(-1)?.id })
      expect([...first, ...second]).toEqual(all)
    })

    test('who is looked up while a key changes is not remembered as it was', async () => {
      const { id, secret } = await keys.create({ name: 'racing' })
      const looks = Array.from({ length: 5 }, () => keys.identify(secret).catch(() => undefined))
      await keys.update(id, { enabled: false })
      await Promise.all(looks)
      await expect(keys.identify(secret)).rejects.toMatchObject({ code: 'api_key_disabled' })
    })
  })
}
