import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AccountRecord } from '../../../contract/admin-accounts.ts'
import { batchShape, errorReply } from '../error-reply.ts'
import { readJsonBodies } from './json-bodies.ts'
import { type AccountsAdmin, accountRoutes } from './sso.ts'

/** Accounts that live in a list. */
function accountsInMemory(): AccountsAdmin & { secrets: string[]; resets: number } {
  const all = {
    secrets: [] as string[],
    resets: 0,
    list: async () => all.secrets.map((_, index) => record(index)),
    add: async ({ tokens }: { tokens: string[] }) => {
      const fresh = [...new Set(tokens)].filter((token) => !all.secrets.includes(token))
      all.secrets.push(...fresh)
      return { added: fresh.length, duplicates: tokens.length - fresh.length }
    },
    remove: async ({ ids = [], tokens = [] }: { ids?: string[]; tokens?: string[] }) => {
      const before = all.secrets.length
      all.secrets = all.secrets.filter(
        (secret, index) => !tokens.includes(secret) && !ids.includes(`${index}`),
      )
      return before - all.secrets.length
    },
    reload: async () => 7,
    resetUsage: async () => {
      all.resets += 1
    },
  }
  return all
}

const record = (index: number): AccountRecord => ({
  id: String(index),
  key_prefix: 'eyJh…',
  used_today: 3,
  remaining: 7,
  last_used: 1,
  state: 'ready',
  provider: 'grok',
  pool: null,
  weight: 1,
  priority: 0,
  daily_limit: 10,
  source: 'admin',
})

const accounts = accountsInMemory()
let app: FastifyInstance
beforeAll(async () => {
  app = Fastify({ ajv: { customOptions: { coerceTypes: true } } })
  app.setErrorHandler(errorReply(batchShape))
  readJsonBodies(app)
  accountRoutes(app, accounts)
  await app.ready()
})
afterAll(() => app?.close())

const post = async (name: string, payload?: object) => {
  const headers = { 'content-type': 'application/json' }
  const body = payload === undefined ? '' : JSON.stringify(payload)
  const reply = await app.inject({ method: 'POST', url: `/admin/sso/${name}`, headers, payload: body })
  return { status: reply.statusCode, answer: reply.json() }
}

test('accounts are added, listed without their secrets, and removed by id or token', async () => {
  expect(await post('add', { tokens: ['secret-one', ' secret-two\n', 'secret-one'] })).toEqual({
    status: 200,
    answer: {
      success: true,
      message: '已添加 2 个账号, 重复 1 个',
      data: { added: 2, duplicates: 1 },
    },
  })
  expect(accounts.secrets).toEqual(['secret-one', 'secret-two'])
  const list = await app.inject('/admin/sso/list')
  expect(list.json()).toEqual({ success: true, count: 2, keys: [record(0), record(1)] })
  expect(list.body).not.toContain('secret')
  expect((await post('remove', { ids: ['0'], tokens: ['secret-two', 'none'] })).answer).toMatchObject({
    success: true,
    data: { removed: 2 },
  })
})

test('the file is read again, and the day begun anew, in the words of the contract', async () => {
  expect((await post('reload')).answer).toEqual({ success: true, count: 7 })
  const reset = await post('reset-usage')
  expect(reset.answer).toEqual({ success: true, message: '每日使用量已重置' })
  expect(accounts.resets).toBe(1)
})

test.each([
  ['add', {}, 'tokens'],
  ['add', { tokens: [] }, 'tokens'],
  ['add', { tokens: [' '] }, 'tokens'],
  ['add', { tokens: 'x' }, 'tokens'],
  ['add', { tokens: ['x'], weight: 0 }, 'weight'],
  ['add', { tokens: ['x'], daily_limit: -1 }, 'daily_limit'],
  ['remove', {}, 'ids'],
  ['remove', { ids: [], tokens: [] }, 'ids'],
])('%s of %o is refused', async (name, body, param) => {
  const { status, answer } = await post(name, body)
  expect([status, answer.param]).toEqual([400, param])
})
