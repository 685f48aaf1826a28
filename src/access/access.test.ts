import { afterAll, describe, expect, test } from 'vitest'
import { testDatabases } from '../db/testing.ts'
import { createKeys } from './keys.ts'

for (const engine of testDatabases()) {
  describe(engine.name, async () => {
    const opened = await engine.open()
    const { database } = opened
    afterAll(() => opened[Symbol.asyncDispose]())
    const now = 1_000_000
    const clock = { now: () => now }

    test('a key opens only for its own secret, and the secret is written nowhere', async () => {
      const keys = createKeys(database, clock, undefined)
      expect(await keys.any()).toBe(false)
      const { id, secret } = await keys.create({ name: '鑰匙 🔑', imagesFormat: 'b64_json' })
      expect(secret).toMatch(/^sk-[\w-]{32}$/)
      expect(await keys.any()).toBe(true)
      expect(await keys.identify(secret)).toMatchObject({ owner: id, keyId: id, imagesFormat: 'b64_json' })
      for (const wrong of [secret.slice(0, -1), `${secret}x`, secret.toUpperCase(), '', 'sk-', "' or 1=1 --"])
        expect(await keys.identify(wrong)).toBeUndefined()
      const rows = await database.query.selectFrom('api_key').selectAll().execute()
      expect(JSON.stringify(rows)).not.toContain(secret.slice(7))
      expect(rows).toMatchObject([{ id, name: '鑰匙 🔑', prefix: secret.slice(0, 7), created_at: now }])
    })

    test('a disabled key opens nothing', async () => {
      const { id, secret } = await createKeys(database, clock, undefined).create({ name: 'old' })
      await database.query.updateTable('api_key').set({ disabled_at: now }).where('id', '=', id).execute()
      const identified = createKeys(database, clock, undefined).identify(secret)
      await expect(identified).rejects.toMatchObject({ code: 'api_key_disabled' })
    })

    test('the key of the environment works beside the others and is not stored', async () => {
      const keys = createKeys(database, clock, 'from-the-environment')
      const { secret } = await keys.create({ name: 'stored' })
      expect(await keys.identify('from-the-environment')).toEqual({
        owner: 'environment',
        imagesFormat: undefined,
      })
      expect(await keys.identify('from-the-environment ')).toBeUndefined()
      expect(await keys.identify(secret)).toMatchObject({ owner: expect.any(String) })
      const others = createKeys(database, clock, undefined)
      expect(await others.identify('from-the-environment')).toBeUndefined()
    })
  })
}
