import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { GrokBehaviour } from '../../../test/upstreams/grok.ts'
import { startHttpProxy, startSocksProxy } from '../../../test/upstreams/proxies.ts'
import { providerConformance } from '../conformance.ts'
import { collect, plan } from '../conformance-bench.ts'
import { ProviderError } from '../provider-error.ts'
import { MODEL, type Outcome, openTestGrok, SHORT, type TestGrok, TOKEN } from './testing.ts'

const FAILURES: GrokBehaviour[] = [
  401,
  403,
  429,
  502,
  'rate-limited',
  'invalid-argument',
  'unauthorized',
  'unknown-error',
  'half-closed',
  'reset',
  'close-1008',
  'close-1011',
  'slot-error',
]

providerConformance('grok', async () => {
  const grok = await openTestGrok()
  return {
    provider: grok.makeProvider(),
    model: MODEL,
    slowDown: () => grok.fake.behave('*', { name: 'v3', wait: 1000 }),
    failures: Object.fromEntries(FAILURES.map((name) => [name, () => grok.fake.behave('*', name)])),
    close: async () => {
      await grok[Symbol.asyncDispose]()
    },
  }
})

let grok: TestGrok
beforeEach(async () => {
  grok = await openTestGrok()
})
afterEach(() => grok[Symbol.asyncDispose]())

/** What waits for the end of patience must not wait long; nothing else may depend on how fast the machine is. */
const patienceFor = (name: GrokBehaviour) =>
  /silent|uncompleted|completed-preview|broken|previews-only/.test(String(name))
    ? { timeout: 2500, timings: SHORT }
    : {}

const kinds = ({ events }: Outcome) =>
  events.map(({ type }) => type).filter((type) => type === 'image' || type === 'blocked')

const imagesIn = ({ events }: Outcome) => events.filter((event) => event.type === 'image')

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

describe('what is sent', () => {
  test('an honest client, a reset and one prompt that every generation understands', async () => {
    await grok.draw(3)
    await grok.fake.allClosed()
    const [socket, ...others] = grok.fake.sockets
    expect(others).toEqual([])
    expect(socket).toMatchObject({ path: '/ws/imagine/listen', token: TOKEN, closed: 1000 })
    expect(socket?.headers).toEqual({
      host: `127.0.0.1:${grok.fake.port}`,
      'user-agent': 'Pictor/test',
      origin: 'https://grok.com',
      cookie: `sso=${TOKEN}; sso-rw=${TOKEN}`,
      connection: 'upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': expect.any(String),
    })
    const message = (content: unknown) => ({
      type: 'conversation.item.create',
      timestamp: expect.any(Number),
      item: { type: 'message', content: [content] },
    })
    expect(socket?.messages).toEqual([
      message({ type: 'reset' }),
      message({
        requestId: expect.stringMatching(/^[\da-f-]{36}$/),
        text: 'a red fox in the snow',
        type: 'input_text',
        properties: {
          section_count: 0,
          is_kids_mode: false,
          enable_nsfw: false,
          skip_upsampler: false,
          enable_side_by_side: true,
          is_initial: false,
          aspect_ratio: '2:3',
          enable_pro: false,
          num_generations: 3,
        },
      }),
    ])
  })

  test('nothing that a client says turns the NSFW flag on', async () => {
    const provider = grok.makeProvider()
    const extra = { enable_nsfw: true, properties: { enable_nsfw: true }, nsfw: 'true' }
    const [call] = plan({ provider, model: MODEL }, { extra, prompt: '"enable_nsfw":true' })
    await collect(provider.run(call, grok.context()))
    const sent = JSON.stringify(grok.fake.sockets[0]?.messages)
    expect(sent.match(/"enable_nsfw":\w+/g)).toEqual(['"enable_nsfw":false'])
  })

  test.each([
    ['http', startHttpProxy],
    ['socks5', startSocksProxy],
  ])('%s proxies: of the provider, or of an account', async (_kind, start) => {
    await using shared = await start(grok.fake.port)
    await using own = await start(grok.fake.port)
    const provider = grok.makeProvider({ url: 'ws://grok.example/ws/imagine/listen', proxyUrl: shared.url })
    const [call] = plan({ provider, model: MODEL })
    await collect(provider.run(call, grok.context()))
    const account = { id: 'grok:2', secret: 'other', proxyUrl: own.url }
    await collect(provider.run(call, grok.context({ account })))
    expect([shared.asked.length, own.asked.length]).toEqual([1, 1])
    expect(grok.fake.sockets.map(({ token }) => token)).toEqual([TOKEN, 'other'])
  })
})

describe('every generation of the upstream', () => {
  test.each<GrokBehaviour>([
    'v1',
    'v1-png',
    'v2',
    'v3',
    'completed-first',
    'notices',
    'fragmented',
    'uncompleted',
  ])('%s: the final pictures come, and nothing else for them', async (name) => {
    grok.fake.behave('*', name)
    const outcome = await grok.draw(2, { config: patienceFor(name) })
    expect(outcome.error).toBeUndefined()
    expect(kinds(outcome)).toEqual(['image', 'image'])
    const drawn = new Set(grok.fake.painted.map(sha256))
    for (const { picture } of imagesIn(outcome)) {
      expect(drawn).toContain(picture.sha256)
      expect(picture).toMatchObject({ mime: 'image/jpeg', width: 784, height: 1168, complete: true })
    }
    await grok.fake.allClosed()
    expect(grok.fake.sockets[0]?.closed).toBe(name === 'uncompleted' ? 1001 : 1000)
  })

  test('what the upstream said of a picture goes along', async () => {
    grok.fake.behave('*', 'r-rated')
    const [image] = imagesIn(await grok.draw(1))
    expect(image).toMatchObject({
      revisedPrompt: 'a red fox in the snow, in great detail',
      details: {
        upstream_id: expect.stringMatching(/^[\da-f-]{36}$/),
        upstream_url: expect.stringMatching(/^https:.*\.jpg$/),
        model_name: 'imagine_x_1',
        r_rated: true,
      },
    })
  })

  test.each<GrokBehaviour>(['v1', 'v2', 'v3'])('%s: stages are progress, never backwards', async (name) => {
    grok.fake.behave('*', name)
    const { events } = await grok.draw(1)
    const progress = events.filter((event) => event.type === 'progress')
    const percents = progress.map(({ percent = -1 }) => percent)
    expect(percents).toEqual(percents.toSorted((a, b) => a - b))
    expect(percents.at(-1)).toBeGreaterThanOrEqual(99)
    expect([...new Set(progress.map(({ stage }) => stage))].filter(Boolean)).toEqual(
      name === 'v2' ? ['preview', 'medium'] : ['preview', 'medium', 'final'],
    )
    const types = events.map(({ type }) => type)
    expect(types.indexOf('arriving')).toBeLessThan(types.indexOf('image'))
  })

  test('previews come as they were asked for', async () => {
    for (const [previews, expected] of [
      [0, []],
      [1, ['0 image/png']],
      [3, ['0 image/png', '1 image/png']],
    ] as const) {
      const { events } = await grok.draw(1, { previews })
      const partials = events.filter((event) => event.type === 'partial')
      expect(partials.map(({ partialIndex, picture }) => `${partialIndex} ${picture.mime}`)).toEqual(expected)
    }
    const { events } = await grok.draw(3, { previews: 2 })
    const partials = events.filter((event) => event.type === 'partial')
    expect(partials.map(({ index, partialIndex }) => `${index}.${partialIndex}`).sort()).toEqual([
      '0.0',
      '0.1',
      '1.0',
      '1.1',
      '2.0',
      '2.1',
    ])
  })

  test('a picture of many megabytes is as good', async () => {
    grok.fake.behave('*', { name: 'v3', bytes: 20_000_000 })
    const [image] = imagesIn(await grok.draw(1))
    expect(image?.picture.bytes).toBeGreaterThan(20_000_000)
    expect(image?.picture.sha256).toBe(sha256(grok.fake.painted[0] ?? Buffer.alloc(0)))
  })
})

describe('moderation', () => {
  test.each<[GrokBehaviour, number, string[]]>([
    ['moderated', 2, ['blocked', 'blocked']],
    ['moderated-late', 1, ['blocked']],
    ['moderated-first', 2, ['image', 'blocked']],
    ['previews-only', 2, ['blocked', 'blocked']],
  ])('%s of %i', async (name, n, expected) => {
    grok.fake.behave('*', name)
    const outcome = await grok.draw(n, { config: patienceFor(name) })
    expect(outcome.error).toBeUndefined()
    expect(kinds(outcome)).toEqual(expected)
  })
})

describe('failures', () => {
  const SPENT = true
  const FREE = false
  test.each<[GrokBehaviour, ProviderError['kind'], boolean]>([
    [401, 'auth', FREE],
    [403, 'auth', FREE],
    [429, 'rate', FREE],
    [502, 'network', FREE],
    [200, 'network', FREE],
    ['rate-limited', 'rate', FREE],
    ['invalid-argument', 'bad_param', FREE],
    ['unauthorized', 'auth', FREE],
    ['unknown-error', 'upstream_bug', FREE],
    ['close-1000', 'upstream_bug', FREE],
    ['close-1008', 'rate', FREE],
    ['close-1011', 'upstream_bug', FREE],
    ['close-4429', 'rate', FREE],
    ['close-unauthorized', 'auth', FREE],
    ['close-after-previews', 'upstream_bug', SPENT],
    ['half-closed', 'network', FREE],
    ['reset', 'network', FREE],
    ['silent', 'timeout', FREE],
    ['silent-after-start', 'timeout', SPENT],
    ['completed-preview', 'timeout', SPENT],
    ['slot-error', 'upstream_bug', FREE],
    ['broken-base64', 'upstream_bug', SPENT],
  ])('%s is %s; spent: %s', async (name, kind, maybePaid) => {
    grok.fake.behave('*', name)
    const outcome = await grok.draw(2, { config: patienceFor(name) })
    expect(kinds(outcome)).toEqual([])
    expect(outcome.error).toBeInstanceOf(ProviderError)
    expect(outcome.error).toMatchObject({ kind, maybePaid })
    expect(String(outcome.error)).not.toContain(TOKEN)
  })

  test('nobody is there', async () => {
    const { error } = await grok.draw(1, { config: { url: 'ws://127.0.0.1:1/' } })
    expect(error).toMatchObject({ kind: 'network', maybePaid: false })
  })

  test('a refusal says what it was and how long to wait', async () => {
    grok.fake.behave('*', [403, 429])
    expect((await grok.draw(1)).error).toMatchObject({
      detail: 'the upstream refused the connection with 403: a web page titled "No 403"',
    })
    expect((await grok.draw(1)).error).toMatchObject({ retryAfter: 7 })
  })

  test.each<[GrokBehaviour, ProviderError['kind'], boolean]>([
    ['rate-after-one', 'rate', FREE],
    ['slot-error-first', 'upstream_bug', FREE],
    ['silent-after-one', 'timeout', SPENT],
    ['half-closed-after-one', 'network', SPENT],
    ['reset-after-one', 'network', SPENT],
    ['close-after-one', 'upstream_bug', SPENT],
  ])('%s: what came is handed over before the %s', async (name, kind, maybePaid) => {
    grok.fake.behave('*', name)
    const outcome = await grok.draw(2, { config: patienceFor(name) })
    expect(kinds(outcome)).toEqual(['image'])
    expect(outcome.error).toMatchObject({ kind, maybePaid })
  })

  test.each<GrokBehaviour>([
    'close-after-one',
    'half-closed-after-one',
    'rate-after-one',
    'silent-after-one',
  ])('%s: with all that was wanted there, nothing has failed', async (name) => {
    grok.fake.behave('*', name)
    const outcome = await grok.draw(1, { config: patienceFor(name) })
    expect(kinds(outcome)).toEqual(['image'])
    expect(outcome.error).toBeUndefined()
  })

  test('the whole has an end, however the upstream keeps talking', async () => {
    grok.fake.behave('*', { name: 'v3', wait: 300 })
    const { error } = await grok.draw(6, { config: { timeout: 2000 } })
    expect(error).toMatchObject({ kind: 'timeout', maybePaid: true })
  })

  test('whoever leaves early leaves no open socket and no half picture', async () => {
    const provider = grok.makeProvider()
    const [call] = plan({ provider, model: MODEL }, { n: 4 })
    for await (const event of provider.run(call, grok.context())) if (event.type === 'image') break
    await grok.fake.allClosed()
    expect(grok.fake.sockets[0]?.closed).toBe(1000)
  })
})

test('a call of another adapter is a mistake of ours', () => {
  const run = () => grok.makeProvider().run({ images: 1, request: { route: 'generations' } }, grok.context())
  expect(run).toThrow(TypeError)
})
