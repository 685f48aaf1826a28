import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Accepted, accept } from '../../src/gateway/accept.ts'
import {
  accountsStatus,
  addAccounts,
  listAccounts,
  removeAccounts,
} from '../../src/gateway/manage-accounts.ts'
import { runNow } from '../../src/gateway/run.ts'
import { json, startPictor, type TestPictor } from '../pictor.ts'
import { type FakeOpenAi, startFakeOpenAi } from '../upstreams/openai.ts'
import { callsFor } from './evidence.ts'

const KEYS = [
  'upstream-key-one',
  'upstream-key-two',
  'upstream-key-three',
  'upstream-key-four',
  'upstream-key-five',
]
const FIVE = {
  OPENAI_API_KEY: KEYS.join(','),
  ACCOUNT_DAILY_LIMIT: '10',
  ACCOUNT_STRATEGY: 'hybrid',
  TZ: 'UTC',
}
const DAY = 24 * 60 * 60 * 1000

let upstream: FakeOpenAi
beforeAll(async () => {
  upstream = await startFakeOpenAi()
  upstream.models = undefined
})
afterAll(() => upstream.close())
beforeEach(() => {
  upstream.requests.length = 0
})

const start = (env: Record<string, string>, now?: () => number) =>
  startPictor({ OPENAI_BASE_URL: upstream.url, ...env }, now ? { clock: { now } } : {})

const ask = ({ fetch }: TestPictor, model: string, more: Record<string, unknown> = {}) =>
  fetch('/v1/images/generations', json({ model, prompt: 'a cat', size: '64x64', ...more }))

const keysOf = (model: string) =>
  callsFor(upstream, model).map(({ headers }) => headers.authorization?.replace('Bearer ', '') ?? '')

const countOf = (keys: readonly string[]) =>
  Object.fromEntries(
    Object.entries(Object.groupBy(keys, (key) => key)).map(([key, all]) => [key, all?.length]),
  )

const usedBy = async ({ app }: TestPictor) =>
  (await accountsStatus(app.parts.gateway)).keys.map(({ used_today }) => used_today)

describe('a limit a day', () => {
  test('50 requests at once fit 5 keys with 10 each, a 51st does not, and tomorrow begins again', async () => {
    let now = Date.parse('2026-05-01T23:50:00Z')
    await using pictor = await start(FIVE, () => now)
    const replies = await Promise.all(Array.from({ length: 60 }, () => ask(pictor, 'image-limited')))
    const statuses = countOf(replies.map(({ status }) => String(status)))
    expect(statuses).toEqual({ 200: 50, 429: 10 })
    expect(countOf(keysOf('image-limited'))).toEqual(Object.fromEntries(KEYS.map((key) => [key, 10])))
    expect(await usedBy(pictor)).toEqual([10, 10, 10, 10, 10])

    const refused = await ask(pictor, 'image-limited')
    expect([refused.status, refused.statusText]).toEqual([429, 'Quota exceeded'])
    expect(refused.headers.get('retry-after')).toBe('600')
    expect(await refused.json()).toMatchObject({
      error: {
        code: 'insufficient_quota',
        message: expect.stringContaining('no account has a picture left'),
      },
    })
    expect(await accountsStatus(pictor.app.parts.gateway)).toMatchObject({
      ...{ total_keys: 5, failed_count: 0, strategy: 'hybrid', daily_limit: 10 },
      next_reset_timestamp: Date.parse('2026-05-02T00:00:00Z'),
      keys: Array.from({ length: 5 }, () => ({
        key_prefix: expect.stringMatching(/^ups?…$/),
        remaining: 0,
        state: 'ready',
      })),
    })
    now += 600_000
    expect((await ask(pictor, 'image-limited')).status).toBe(200)
    expect((await usedBy(pictor)).reduce((sum, used) => sum + used, 0)).toBe(1)
    now += DAY
    expect(await usedBy(pictor)).toEqual([0, 0, 0, 0, 0])
  })

  test('only what was delivered counts, whatever the reason for the rest', async () => {
    await using pictor = await start({ ...FIVE, OPENAI_API_KEY: 'upstream-key-one' })
    for (const behaviour of ['moderation-400', '400-invalid-value', 'empty-data', 'cut', '500'] as const) {
      upstream.behave(`image-${behaviour}`, behaviour)
      expect((await ask(pictor, `image-${behaviour}`)).status).not.toBe(200)
      expect(await usedBy(pictor), behaviour).toEqual([0])
    }
    expect(await listAccounts(pictor.app.parts.gateway)).toMatchObject([{ state: 'ready', failures: 0 }])
    expect((await ask(pictor, 'gpt-image-1', { n: 3, size: '1024x1024' })).status).toBe(200)
    expect(await usedBy(pictor)).toEqual([3])
  })

  test('pictures in passed-on chats count when they have come, and without one left no chat begins', async () => {
    upstream.behave('chat-draws', 'chat-images')
    const env = { ...FIVE, OPENAI_API_KEY: 'upstream-key-one', ACCOUNT_DAILY_LIMIT: '1' }
    upstream.models = [{ id: 'chat-draws', output_modalities: ['text', 'image'] }]
    await using pictor = await start(env)
    const chat = () =>
      pictor.fetch(
        '/v1/chat/completions',
        json({ model: 'chat-draws', messages: [{ role: 'user', content: 'a cat' }] }),
      )
    await expect.poll(async () => (await pictor.fetch('/v1/models/chat-draws')).status).toBe(200)
    expect((await chat()).status).toBe(200)
    expect((await usedBy(pictor))[0]).toBeGreaterThan(0)
    expect((await chat()).status).toBe(429)
    upstream.models = undefined
  })
})

describe('failures', () => {
  test('a limited key rests and the next one is asked; moderation is nobody’s fault', async () => {
    await using pictor = await start({ OPENAI_API_KEY: 'upstream-key-one,upstream-key-two' })
    upstream.behave('image-429', ['429-retry-after', 'b64'])
    expect((await ask(pictor, 'image-429')).status).toBe(200)
    expect(keysOf('image-429')).toEqual(['upstream-key-one', 'upstream-key-two'])
    upstream.behave('image-moderated', 'moderation-400')
    expect((await ask(pictor, 'image-moderated')).status).toBe(400)
    expect(await listAccounts(pictor.app.parts.gateway)).toMatchObject([
      { state: 'cooling', failures: 1, lastError: expect.stringContaining('rate') },
      { state: 'ready', failures: 0, lastError: undefined },
    ])
  })

  test('a refused key is shown as expired and never asked again, for any model', async () => {
    await using pictor = await start({ OPENAI_API_KEY: 'upstream-key-one,upstream-key-two' })
    upstream.behave('image-401', ['401', 'b64'])
    for (let index = 0; index < 4; index += 1) expect((await ask(pictor, 'image-401')).status).toBe(200)
    for (let index = 0; index < 2; index += 1) expect((await ask(pictor, 'image-any')).status).toBe(200)
    expect(countOf(keysOf('image-401'))).toEqual({ 'upstream-key-one': 1, 'upstream-key-two': 4 })
    expect(countOf(keysOf('image-any'))).toEqual({ 'upstream-key-two': 2 })
    const status = await accountsStatus(pictor.app.parts.gateway)
    expect(status).toMatchObject({ failed_count: 1, keys: [{ state: 'expired' }, { state: 'ready' }] })
    expect(JSON.stringify(status)).not.toContain('upstream-key')
  })
})

test('use, rests and refused tokens outlive a restart; no secret is in the database', async () => {
  const DATA_DIR = await mkdtemp(join(tmpdir(), 'pictor-restart-'))
  const env = {
    OPENAI_API_KEY: 'upstream-key-one',
    ACCOUNT_DAILY_LIMIT: '10',
    ACCOUNT_STRATEGY: 'priority',
    DATA_DIR,
  }
  const tokens = ['upstream-token-bad', 'upstream-token-limited', 'upstream-token-good']
  {
    await using pictor = await start(env)
    const { gateway } = pictor.app.parts
    expect(await addAccounts(gateway, { provider: 'openai', tokens, priority: 1 })).toEqual({
      added: 3,
      duplicates: 0,
    })
    upstream.behave('image-restart', ['401', '429-quota', 'b64'])
    expect((await ask(pictor, 'image-restart')).status).toBe(200)
  }
  {
    await using pictor = await start(env)
    const { gateway } = pictor.app.parts
    expect((await ask(pictor, 'image-restart')).status).toBe(200)
    expect(keysOf('image-restart')).toEqual([...tokens, 'upstream-token-good'])
    expect(await listAccounts(gateway)).toMatchObject([
      { source: 'env', state: 'ready', usedToday: 0 },
      { source: 'admin', state: 'expired', failures: 1 },
      { source: 'admin', state: 'cooling', failures: 1 },
      { source: 'admin', state: 'ready', usedToday: 2 },
    ])
    const rows = JSON.stringify([
      await gateway.database.query.selectFrom('account').selectAll().execute(),
      await gateway.database.query.selectFrom('account_rest').selectAll().execute(),
    ])
    for (const secret of [...tokens, 'upstream-key-one']) expect(rows).not.toContain(secret)
    expect(await removeAccounts(gateway, { tokens: ['upstream-token-good'] })).toBe(1)
    expect((await ask(pictor, 'image-restart')).status).toBe(200)
    expect(keysOf('image-restart').at(-1)).toBe('upstream-key-one')
  }
  await rm(DATA_DIR, { recursive: true })
})

test('a caller who is bound to a pool gets its accounts and no others', async () => {
  await using pictor = await start({ OPENAI_API_KEY: 'upstream-key-one' })
  const { gateway } = pictor.app.parts
  await addAccounts(gateway, { provider: 'openai', tokens: ['upstream-team'], pool: 'team', dailyLimit: 1 })
  const draw = async (model: string, pool: string) => {
    await using spool = gateway.spools.scope()
    const job = { kind: 'generate', model, prompt: 'a cat', n: 1, dialect: 'openai' } as const
    const caller = { owner: 'someone', imagesFormat: undefined, accountPool: pool }
    const submission = { job, inputs: { images: [] }, mode: 'sync', caller } as const
    const accepted: Accepted = await accept(gateway, submission)
    return await runNow(gateway, accepted, { spool, abandoned: new AbortController().signal })
  }
  expect((await draw('image-pool', 'team')).task).toMatchObject({ error: undefined, status: 'completed' })
  const { task } = await draw('image-pool', 'team')
  expect(task.error).toMatchObject({
    code: 'insufficient_quota',
    message: expect.stringContaining('of the pool "team"'),
  })
  expect((await ask(pictor, 'image-pool')).status).toBe(200)
  expect(keysOf('image-pool')).toEqual(['upstream-team', 'upstream-key-one'])
  // The demo painter needs no account, so it is in no pool, and does not stand in.
  expect((await draw('demo', 'team')).task.error?.message).toContain('of the pool "team"')
  const row = await gateway.database.query
    .selectFrom('task')
    .select('pool')
    .where('id', '=', task.id)
    .executeTakeFirstOrThrow()
  expect(row.pool).toBe('team')
})

test('what cannot be an account is refused by name, and not repeated', async () => {
  await using pictor = await start({})
  const { gateway } = pictor.app.parts
  const wrong = async (changes: Partial<Parameters<typeof addAccounts>[1]>) => {
    const error: unknown = await addAccounts(gateway, {
      provider: 'openai',
      tokens: ['fine'],
      ...changes,
    }).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    return String(error)
  }
  expect(await wrong({ tokens: ['fine', 'my secret words'] })).toMatch(/'tokens\[1\]'/)
  expect(await wrong({ tokens: ['fine', 'my secret words'] })).not.toContain('secret words')
  expect(await wrong({ tokens: [] })).toContain("'tokens'")
  expect(await wrong({ pool: 'two words' })).toContain("'pool'")
  expect(await wrong({ weight: 0 })).toContain("'weight'")
  expect(await wrong({ dailyLimit: 1.5 })).toContain("'daily_limit'")
  expect(await wrong({ provider: '' })).toContain("'provider'")
  expect(await listAccounts(gateway)).toEqual([])
})
