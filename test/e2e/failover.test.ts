import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { resetUsage } from '../../src/gateway/manage-accounts.ts'
import { json, startPictor, startWithAnyModel, type TestGateway, type TestPictor } from '../pictor.ts'
import { type FakeOpenAi, startFakeOpenAi } from '../upstreams/openai.ts'
import type { BehaviourName } from '../upstreams/openai-behaviours.ts'
import { generateWith } from './ask.ts'
import { callsFor, eventually, rowOf } from './evidence.ts'

/** An upstream for every model and every key. */
async function openUpstream(): Promise<FakeOpenAi> {
  const upstream = await startFakeOpenAi()
  upstream.models = undefined
  return upstream
}

const ask = ({ fetch }: TestPictor, model: string) =>
  fetch('/v1/images/generations', json({ model, prompt: 'a cat', size: '64x64' }))

const keysOf = (upstream: FakeOpenAi, model: string) =>
  callsFor(upstream, model).map(({ headers }) => headers.authorization?.replace('Bearer ', ''))

describe('two keys', () => {
  let upstream: FakeOpenAi
  let pictor: TestPictor
  let now = Date.now()
  beforeAll(async () => {
    upstream = await openUpstream()
    const env = { OPENAI_BASE_URL: upstream.url, OPENAI_API_KEY: 'key-one,key-two' }
    pictor = await startPictor(env, { clock: { now: () => now } })
  })
  afterAll(async () => {
    await pictor[Symbol.asyncDispose]()
    await upstream.close()
  })

  // A key that was refused once is not asked again, for whatever model.
  afterEach(() => resetUsage(pictor.app.parts.gateway))

  test('are used in turn', async () => {
    for (let request = 0; request < 4; request += 1) await ask(pictor, 'image-turns')
    const used = keysOf(upstream, 'image-turns')
    expect(new Set(used.slice(0, 2)).size).toBe(2)
    expect(used.slice(2)).toEqual(used.slice(0, 2))
  })

  for (const behaviour of ['429-retry-after', '429-quota', '401', '403'] as const) {
    test(`the second stands in when the first gets ${behaviour}, and goes on alone`, async () => {
      const model = `image-${behaviour}`
      upstream.behave(model, [behaviour, 'b64'])
      const statuses = []
      for (let request = 0; request < 3; request += 1) statuses.push((await ask(pictor, model)).status)
      expect(statuses).toEqual([200, 200, 200])
      const [first, ...rest] = keysOf(upstream, model)
      expect(rest).toHaveLength(3)
      expect(new Set(rest).size).toBe(1)
      expect(rest).not.toContain(first)
    })
  }

  test('when both rest the client is told how long, without a call, and then they are asked again', async () => {
    const model = 'image-all-rest'
    upstream.behave(model, ['429-retry-after', '429-retry-after', 'b64'])
    const first = await ask(pictor, model)
    expect([first.status, first.statusText]).toEqual([429, 'Rate limit exceeded'])
    expect(first.headers.get('retry-after')).toBe('7')
    expect(await first.json()).toMatchObject({
      error: { code: 'rate_limit_exceeded', type: 'rate_limit_error', param: null },
    })
    now += 4000
    const second = await ask(pictor, model)
    expect([second.status, second.headers.get('retry-after')]).toEqual([429, '3'])
    expect(callsFor(upstream, model)).toHaveLength(2)
    now += 3001
    expect((await ask(pictor, model)).status).toBe(200)
  })

  test('a model that is limited does not put the keys to rest for another', async () => {
    upstream.behave('image-limited', '429-retry-after')
    expect((await ask(pictor, 'image-limited')).status).toBe(429)
    expect((await ask(pictor, 'image-free')).status).toBe(200)
  })

  test('a refusal that is about the request is not tried again', async () => {
    for (const behaviour of ['moderation-400', '400-invalid-value', 'empty-data', 'cut'] as const) {
      upstream.behave(`image-once-${behaviour}`, behaviour)
      await ask(pictor, `image-once-${behaviour}`)
      expect(callsFor(upstream, `image-once-${behaviour}`), behaviour).toHaveLength(1)
    }
  })
})

describe('a relay as the second upstream', () => {
  let first: FakeOpenAi
  let relay: FakeOpenAi
  beforeAll(async () => {
    first = await openUpstream()
    relay = await openUpstream()
  })
  afterAll(async () => {
    await first.close()
    await relay.close()
  })
  const start = (OPENAI_BASE_URL: string) =>
    startPictor({
      OPENAI_BASE_URL,
      OPENAI_API_KEY: 'first-key',
      RELAY_BASE_URL: relay.url,
      RELAY_API_KEY: 'relay-key',
      RELAY_IMAGE_MODEL: 'image-shared',
    })

  for (const behaviour of ['500', '503', 'html-502', '429-quota', 'html-200', 'reset'] as const) {
    test(`draws when the first answers ${behaviour}, if that cost nothing`, async () => {
      first.models = ['image-shared']
      first.behave('image-shared', behaviour)
      await using pictor = await start(first.url)
      await eventually(async () => {
        const { owned_by } = await pictor.openai.models.retrieve('image-shared')
        return owned_by === 'fake' ? true : undefined
      })
      const [asked, relayed] = [first, relay].map((upstream) => callsFor(upstream, 'image-shared').length)
      const response = await ask(pictor, 'image-shared')
      const mayHaveCost = behaviour === 'html-200' || behaviour === 'reset'
      expect(response.status).toBe(mayHaveCost ? 502 : 200)
      expect(callsFor(first, 'image-shared').slice(asked)).not.toEqual([])
      expect(keysOf(relay, 'image-shared').slice(relayed)).toEqual(mayHaveCost ? [] : ['relay-key'])
      if (mayHaveCost) return
      const { data } = (await response.json()) as { data: { image_id: string }[] }
      expect(await rowOf(pictor, data[0]?.image_id)).toMatchObject({ provider: 'relay' })
    })
  }

  test('draws when nobody listens at the first', async () => {
    await using pictor = await start('http://127.0.0.1:9/v1')
    expect((await ask(pictor, 'image-shared')).status).toBe(200)
  })

  test('is asked first for the model that only it is known to have', async () => {
    first.models = undefined
    const before = callsFor(first, 'image-shared').length
    await using pictor = await start(first.url)
    expect((await ask(pictor, 'image-shared')).status).toBe(200)
    expect(callsFor(first, 'image-shared')).toHaveLength(before)
  })
})

describe('what a client sees of a failure', () => {
  let pictor: TestGateway
  beforeAll(async () => {
    pictor = await startWithAnyModel({ GENERATION_TIMEOUT: '1' })
  })
  afterAll(() => pictor?.[Symbol.asyncDispose]())
  afterEach(() => resetUsage(pictor.app.parts.gateway))

  const failures: Partial<Record<BehaviourName, [number, string, string]>> = {
    'moderation-400': [400, 'moderation_blocked', 'Moderation blocked'],
    'moderation-403': [400, 'content_policy_violation', 'Moderation blocked'],
    '400-invalid-value': [400, 'invalid_value', 'Invalid value'],
    '401': [502, 'upstream_auth', 'Upstream refused our key'],
    '403': [502, 'upstream_auth', 'Upstream refused our key'],
    '429-quota': [429, 'insufficient_quota', 'Quota exceeded'],
    '429-date': [429, 'rate_limit_exceeded', 'Rate limit exceeded'],
    '500': [502, 'upstream_error', 'Upstream error'],
    '503': [502, 'upstream_overloaded', 'Upstream overloaded'],
    'new-api-error': [502, 'upstream_overloaded', 'Upstream overloaded'],
    'html-200': [502, 'upstream_error', 'Upstream error'],
    'empty-data': [502, 'no_image', 'No image returned'],
    'truncated-png': [502, 'upstream_error', 'Upstream error'],
    reset: [502, 'upstream_unreachable', 'Upstream unreachable'],
    hang: [504, 'upstream_timeout', 'Upstream timeout'],
    'html-524': [504, 'upstream_timeout', 'Upstream timeout'],
  }
  for (const [behaviour, [status, code, reason]] of Object.entries(failures)) {
    test(`${behaviour} is ${status} ${reason}`, async () => {
      const model = `image-${behaviour}`
      pictor.upstream.behave(model, behaviour as BehaviourName)
      const response = await ask(pictor, model)
      expect([response.status, response.statusText]).toEqual([status, reason])
      const text = await response.text()
      expect(JSON.parse(text)).toEqual({
        error: {
          message: expect.any(String),
          type: expect.any(String),
          code,
          param: behaviour === '400-invalid-value' ? 'size' : null,
        },
      })
      expect(text).not.toContain('upstream-secret')
      expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f]{12}-[0-9a-z]+$/)
      expect(response.headers.has('retry-after')).toBe(behaviour === '429-date')
    })
  }

  test('the SDK throws its own class for each', async () => {
    pictor.upstream.behave('image-sdk', '429-retry-after')
    const request = generateWith(pictor.openai, { model: 'image-sdk', prompt: 'a cat' })
    await expect(request).rejects.toThrow(OpenAI.RateLimitError)
    await expect(request).rejects.toMatchObject({
      requestID: expect.stringMatching(/^[0-9a-f]{12}-[0-9a-z]+$/),
    })
  })
})
