import { afterAll, beforeAll, expect, test } from 'vitest'
import { json, startWithAnyModel, type TestGateway } from '../pictor.ts'
import { anyClient, begin, endOf } from './batch.ts'
import { usageOf, withKey } from './keys.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel({ TRUST_PROXY: 'loopback', ALLOW_PRIVATE_UPSTREAMS: 'true' })
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

const draw = (key: TestGateway, body: Record<string, unknown>) =>
  key.fetch('/v1/images/generations', json({ prompt: 'a fox', ...body }))

test('what the upstream says that it cost is believed, tokens are priced, and the rest is unknown', async () => {
  const key = await withKey(pictor)
  pictor.upstream.behave('grok-imagine', 'xai')
  for (const body of [
    { model: 'grok-imagine', n: 1 },
    { model: 'gpt-image-1', n: 2, quality: 'low' },
    { model: 'image-unheard-of', n: 3 },
  ]) {
    expect((await draw(key, body)).status).toBe(200)
  }
  expect(await usageOf(key)).toMatchObject([
    // 10 tokens at $5 and 1,056 at $40 for a million.
    { model: 'gpt-image-1', pictures: 2, input_tokens: 10, output_tokens: 1056, cost: 42_290, unpriced: 0 },
    { model: 'grok-imagine', pictures: 1, cost: 20_000, unpriced: 0 },
    { model: 'image-unheard-of', pictures: 3, cost: 0, unpriced: 3 },
  ])
})

test('what a caller’s own key pays for costs nothing here', async () => {
  const key = await withKey(pictor)
  const batch = { model: 'gpt-image-1', count: 2, apiKey: 'upstream-secret', apiBase: pictor.upstream.url }
  await endOf(key, await begin(key, batch))
  expect(await usageOf(key)).toMatchObject([{ model: 'gpt-image-1', pictures: 2, cost: 0, unpriced: 0 }])
})

test('chats that are passed on count, with their tokens where the upstream says them', async () => {
  const key = await withKey(pictor, { dailyLimit: 1 })
  const chat = async (model: string, body: Record<string, unknown> = {}) => {
    const messages = [{ role: 'user', content: 'tell me about cats' }]
    const reply = await key.fetch('/v1/chat/completions', json({ model, messages, ...body }))
    await reply.text()
    return reply.status
  }
  expect((await draw(key, { model: 'image-one' })).status).toBe(200)
  expect(await chat('gpt-counted')).toBe(200)
  expect(await chat('gpt-counted', { stream: true, stream_options: { include_usage: true } })).toBe(200)
  expect(await chat('gpt-counted', { stream: true })).toBe(200)
  pictor.upstream.behave('gpt-refused', '400-invalid-value')
  expect(await chat('gpt-refused')).toBe(400)
  pictor.upstream.behave('gpt-broken', 'chat-error-mid')
  expect(await chat('gpt-broken', { stream: true })).toBe(502)
  const [broken, counted, refused] = await usageOf(key)
  expect(broken).toMatchObject({ model: 'gpt-broken', requests: 1, errors: 1 })
  expect(counted).toMatchObject({
    model: 'gpt-counted',
    provider: 'openai',
    requests: 3,
    pictures: 0,
    errors: 0,
    unpriced: 3,
  })
  expect(counted?.input_tokens).toBeGreaterThan(0)
  expect(counted?.output_tokens).toBeGreaterThan(0)
  expect(refused).toMatchObject({ model: 'gpt-refused', requests: 1, errors: 1, unpriced: 0 })
})

test('what is noted is written by itself, and at the end', async () => {
  const { app } = pictor
  const messages = [{ role: 'user', content: 'tell me about cats' }]
  await pictor.fetch('/v1/chat/completions', json({ model: 'gpt-alone', messages }, anyClient()))
  const rows = async () => {
    const { query } = app.parts.gateway.database
    return (await query.selectFrom('usage_day').selectAll().where('model', '=', 'gpt-alone').execute()).length
  }
  await expect.poll(rows, { timeout: 10_000 }).toBe(1)
})
