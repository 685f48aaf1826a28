import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { newId } from '../../base/id.ts'
import { createLog } from '../../base/log.ts'
import { createVault } from '../../base/vault.ts'
import { testDatabases } from '../../db/testing.ts'
import { mask } from './mask.ts'
import { NOON, openTestAccounts, providerOf, reserve } from './testing.ts'

const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.a-secret-session-token.x9Qz'
const nextName = () => `upstream-${newId().slice(-12)}`

test.each([
  [TOKEN, 'eyJhbG…x9Qz'],
  ['sk-0123456789abcdef', 'sk-…'],
  ['short', '…'],
])('%s is shown as %s', (secret, shown) => {
  expect(mask(secret)).toBe(shown)
})

for (const engine of testDatabases()) {
  describe(engine.name, async () => {
    const { database, ...rest } = await engine.open()
    afterAll(() => rest[Symbol.asyncDispose]())
    const everything = async () =>
      JSON.stringify([
        await database.query.selectFrom('account').selectAll().execute(),
        await database.query.selectFrom('account_rest').selectAll().execute(),
      ])

    test('accounts are added once, shown masked, kept encrypted, changed and removed', async () => {
      const provider = providerOf(nextName(), 'sk-from-the-environment-0123456789abcdef')
      const accounts = await openTestAccounts({ database, providers: [provider] })
      const { manage } = accounts
      const tokens = [TOKEN, 'second-token', TOKEN]
      expect(
        await manage.add({ provider: provider.name, tokens, pool: 'team', weight: 3, dailyLimit: 4 }),
      ).toEqual({ added: 2, duplicates: 1 })
      expect(await manage.add({ provider: provider.name, tokens: [TOKEN] })).toEqual({
        added: 0,
        duplicates: 1,
      })
      const list = await manage.list(provider.name)
      expect(list).toMatchObject([
        { source: 'env', masked: 'sk-fro…cdef', state: 'ready', pool: undefined, remaining: undefined },
        { source: 'admin', masked: 'eyJhbG…x9Qz', pool: 'team', weight: 3, dailyLimit: 4, remaining: 4 },
        { source: 'admin', masked: 'se…', usedToday: 0, lastUsedAt: undefined, createdAt: NOON },
      ])
      const shown = JSON.stringify(list) + (await everything())
      for (const secret of [TOKEN, 'second-token', 'from-the-environment'])
        expect(shown).not.toContain(secret)

      expect((await reserve(accounts, provider, { pool: 'team' })).secret).toBe(TOKEN)
      const [environment, first, second] = list.map(({ id }) => id)
      expect(await manage.change(first ?? '', { state: 'disabled' })).toBe(true)
      expect((await reserve(accounts, provider, { pool: 'team' })).secret).toBe('second-token')
      expect(await manage.change(first ?? '', { state: 'ready', pool: null, dailyLimit: null })).toBe(true)
      expect(await manage.change('nobody', { weight: 2 })).toBe(false)
      expect((await manage.list(provider.name))[1]).toMatchObject({ pool: undefined, dailyLimit: undefined })

      expect(await manage.remove({ ids: [second ?? '', environment ?? '', 'nobody'], tokens: [TOKEN] })).toBe(
        3,
      )
      expect(await manage.list(provider.name)).toMatchObject([{ source: 'env', state: 'disabled' }])
      expect((await reserve(accounts, provider)).refusal?.kind).toBe('auth')
      await manage.reload()
      expect((await reserve(accounts, provider)).secret).toBe('sk-from-the-environment-0123456789abcdef')
    })

    test('a pool is for those who are bound to it, who have nothing else', async () => {
      const provider = providerOf(nextName(), 'common')
      const accounts = await openTestAccounts({ database, providers: [provider] })
      expect(accounts.has(provider, 'team')).toBe(false)
      expect((await reserve(accounts, provider, { pool: 'team' })).refusal).toMatchObject({
        kind: 'quota',
        detail: 'there is no account of the pool "team" for this model.',
      })
      await accounts.manage.add({ provider: provider.name, tokens: ['theirs'], pool: 'team', dailyLimit: 1 })
      expect(accounts.has(provider, 'team')).toBe(true)
      expect((await reserve(accounts, provider, { pool: 'team' })).secret).toBe('theirs')
      expect((await reserve(accounts, provider, { pool: 'team' })).refusal).toMatchObject({
        kind: 'quota',
        detail: 'no account of the pool "team" has a picture left for today.',
      })
      expect((await reserve(accounts, provider)).secret).toBe('common')
      expect((await reserve(accounts, provider)).secret).toBe('common')
    })

    test('the tokens of a file come and go, and their use stays', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'pictor-accounts-'))
      const path = join(folder, 'key.txt')
      await writeFile(path, 'token-one\ntoken-two\n')
      const provider = { ...providerOf(nextName()), accounts: [] }
      const lines: string[] = []
      const log = createLog('trace', { write: (line) => lines.push(line) })
      const open = () =>
        openTestAccounts({
          ...{ database, log, providers: [provider], policy: { dailyLimit: 2 } },
          file: { provider: provider.name, path, interval: 20 },
        })
      const accounts = await open()
      expect(accounts.has(provider)).toBe(true)
      await reserve(accounts, provider, { pictures: 2 })
      await (await reserve(accounts, provider)).blame('auth', { expired: true })
      expect((await reserve(accounts, provider)).reservation).toBeUndefined()
      await writeFile(path, 'not a token\ntoken-three\ntoken-one\n')
      await vi.waitFor(
        async () => expect((await reserve(accounts, provider)).secret).toBe('token-three'),
        10_000,
      )
      expect(await accounts.manage.list(provider.name)).toMatchObject([
        { source: 'file', usedToday: 2, remaining: 0, state: 'ready' },
        { source: 'file', remaining: 1 },
      ])
      await accounts.close()

      await writeFile(path, 'token-one\ntoken-two\n')
      const again = await open()
      expect(await again.manage.list(provider.name)).toMatchObject([
        { usedToday: 2, state: 'ready' },
        { usedToday: 0, state: 'expired' },
      ])
      expect(await again.manage.reload()).toBe(2)
      expect((await reserve(again, provider)).secret).toBe('token-two')
      await rm(path)
      expect(await again.manage.reload()).toBe(0)
      expect(again.has(provider)).toBe(false)
      expect(await again.manage.add({ provider: provider.name, tokens: ['token-two'] })).toEqual({
        added: 1,
        duplicates: 0,
      })
      expect((await reserve(again, provider)).secret).toBe('token-two')
      await again.close()
      expect(lines.join('') + (await everything())).not.toMatch(/token-(one|two|three)/)
      expect(lines.join('')).toContain('"lines":[1]')
      await rm(folder, { recursive: true })
    })

    test('without the secret key an account is known by its mask only, and says so', async () => {
      const provider = { ...providerOf(nextName()), accounts: [] }
      const first = await openTestAccounts({ database, providers: [provider] })
      await first.manage.add({ provider: provider.name, tokens: [TOKEN] })
      const vault = createVault(Buffer.alloc(32, 8))
      const second = await openTestAccounts({ database, vault, providers: [provider] })
      expect(second.has(provider)).toBe(false)
      expect(await second.manage.list(provider.name)).toMatchObject([
        { masked: mask(TOKEN), state: 'expired', lastError: expect.stringContaining('SECRET_KEY') },
      ])
    })
  })
}
