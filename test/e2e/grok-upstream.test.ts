import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type OpenAI from 'openai'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { json, startPictor, type TestPictor } from '../pictor.ts'
import { type FakeGrok, startFakeGrok } from '../upstreams/grok.ts'
import { paint, whole } from '../upstreams/pictures.ts'
import { startHttpProxy, startSocksProxy } from '../upstreams/proxies.ts'
import { generateWith } from './ask.ts'
import { rowOf, rowsOfModel, sha256Of, storedBytes } from './evidence.ts'

const MODEL = 'grok-imagine-1.0'
const TOKENS = '# two accounts\ntoken-one\ntoken-two\n'

let folder: string
let grok: FakeGrok
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pictor-sso-'))
  await writeFile(join(folder, 'key.txt'), TOKENS)
  grok = await startFakeGrok()
})
afterEach(async () => {
  await grok[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const start = (env: Record<string, string> = {}): Promise<TestPictor> =>
  startPictor({ SSO_FILE: join(folder, 'key.txt'), GROK_WS_URL: grok.url, ...env })

const tokensAsked = () => grok.sockets.map(({ token }) => token)

describe('drawing', () => {
  test('a picture is drawn, kept as it came and delivered', async () => {
    await using pictor = await start()
    const { data, warnings } = await generateWith(pictor.openai, {
      model: MODEL,
      prompt: 'a lighthouse',
      size: '1280x720',
      response_format: 'b64_json',
    })
    expect(warnings).toBeUndefined()
    const bytes = Buffer.from(data[0]?.b64_json ?? '', 'base64')
    expect(sha256Of(bytes)).toBe(sha256Of(grok.painted[0] ?? Buffer.alloc(0)))
    expect(sha256Of(await storedBytes(pictor, data[0]?.image_id))).toBe(sha256Of(bytes))
    expect(data[0]?.revised_prompt).toBe('a lighthouse, in great detail')
    const row = await rowOf(pictor, data[0]?.image_id)
    expect(row).toMatchObject({
      provider: 'grok',
      model: MODEL,
      mime: 'image/jpeg',
      width: 1280,
      height: 720,
    })
    expect(JSON.parse(String(row.details))).toMatchObject({ model_name: 'imagine_x_1', r_rated: false })
    const [socket] = grok.sockets
    expect(socket?.headers['user-agent']).toMatch(/^Pictor\/\d/)
    expect(JSON.stringify(socket?.messages)).toContain('"enable_nsfw":false')
    expect(JSON.stringify(socket?.messages)).toContain('"aspect_ratio":"16:9"')
  })

  test('a stream has its previews and then the picture', async () => {
    await using pictor = await start()
    const stream = await pictor.openai.images.generate({
      model: MODEL,
      prompt: 'a lighthouse',
      stream: true,
      partial_images: 2,
    })
    const events: OpenAI.ImageGenStreamEvent[] = []
    for await (const event of stream) events.push(event)
    expect(events.map(({ type }) => type)).toEqual([
      'image_generation.partial_image',
      'image_generation.partial_image',
      'image_generation.completed',
    ])
    const shapes = events.map(({ b64_json, size }) => [
      Buffer.from(b64_json, 'base64').subarray(1, 4).toString('latin1'),
      size,
    ])
    expect(shapes.slice(0, 2)).toEqual([
      ['PNG', '64x96'],
      ['PNG', '64x96'],
    ])
    expect(sha256Of(Buffer.from(events.at(-1)?.b64_json ?? '', 'base64'))).toBe(
      sha256Of(grok.painted[0] ?? Buffer.alloc(0)),
    )
  })

  test('eight pictures come over two sockets, each with an account of its own', async () => {
    await using pictor = await start()
    const { data } = await generateWith(pictor.openai, { model: MODEL, prompt: 'a lighthouse', n: 8 })
    expect(new Set(data.map(({ url }) => url)).size).toBe(8)
    expect(tokensAsked().sort()).toEqual(['token-one', 'token-two'])
    const sent = JSON.stringify(grok.sockets.map(({ messages }) => messages))
    expect(sent.match(/"num_generations":\d+/g)).toEqual(['"num_generations":4', '"num_generations":4'])
  })

  test('what it does not take is named, the NSFW flag among it', async () => {
    await using pictor = await start()
    const { warnings } = await generateWith(pictor.openai, {
      model: 'grok-imagine',
      prompt: 'a lighthouse',
      size: '1000x400',
      seed: 7,
      enable_nsfw: true,
    })
    expect(warnings?.map(({ param }) => param).sort()).toEqual(['enable_nsfw', 'seed', 'size'])
    expect(JSON.stringify(grok.sockets[0]?.messages)).toContain('"enable_nsfw":false')
  })

  test('progress of a chat names the stages', async () => {
    await using pictor = await start({ CHAT_LANGUAGE: 'en' })
    const messages = [{ role: 'user', content: 'Draw a lighthouse' }]
    const reply = await pictor.fetch('/v1/chat/completions', json({ model: MODEL, messages, stream: true }))
    const text = await reply.text()
    for (const words of ['preview', 'medium quality', 'final quality']) expect(text).toContain(words)
  })
})

describe('accounts', () => {
  test('one that is limited is left alone, and the next one draws', async () => {
    grok.behave('token-one', 'rate-limited')
    await using pictor = await start()
    for (let request = 0; request < 2; request += 1)
      await generateWith(pictor.openai, { model: MODEL, prompt: 'a lighthouse' })
    expect(tokensAsked()).toEqual(['token-one', 'token-two', 'token-two'])
  })

  test('one that is limited half-way is relieved of the rest, and nothing is drawn twice', async () => {
    grok.behave('token-one', 'rate-after-one')
    await using pictor = await start()
    const { data, warnings } = await generateWith(pictor.openai, {
      model: MODEL,
      prompt: 'a lighthouse',
      n: 4,
    })
    expect(data).toHaveLength(4)
    expect(warnings).toBeUndefined()
    expect(await rowsOfModel(pictor, MODEL)).toHaveLength(4)
    const counts = grok.sockets.map(
      ({ messages }) => /"num_generations":(\d)/.exec(JSON.stringify(messages))?.[1],
    )
    expect(counts).toEqual(['4', '3'])
  })

  test.each([
    [401, 502, 'upstream_auth'],
    [403, 502, 'upstream_auth'],
    [429, 429, 'rate_limit_exceeded'],
    ['close-1008', 429, 'rate_limit_exceeded'],
    ['invalid-argument', 400, 'invalid_value'],
    ['moderated', 400, 'content_policy_violation'],
    ['close-after-previews', 502, 'upstream_error'],
    ['half-closed-after-one', 200, undefined],
  ] as const)(
    'when all get %s, the answer is %i %s, without a token in it',
    async (behaviour, status, code) => {
      grok.behave('*', behaviour)
      await using pictor = await start()
      const reply = await pictor.fetch(
        '/v1/images/generations',
        json({ model: MODEL, prompt: 'a lighthouse' }),
      )
      const text = await reply.text()
      expect(reply.status).toBe(status)
      expect(JSON.parse(text).error?.code).toBe(code)
      expect(text).not.toMatch(/token-(one|two)/)
    },
  )

  test('some of several is an answer that says what is missing', async () => {
    grok.behave('*', 'moderated-first')
    await using pictor = await start()
    const { data, warnings } = await generateWith(pictor.openai, {
      model: MODEL,
      prompt: 'a lighthouse',
      n: 3,
    })
    expect(data).toHaveLength(2)
    expect(warnings).toMatchObject([{ param: 'n', message: expect.stringContaining('1 of 3') }])
  })

  test('a client that leaves ends the socket', async () => {
    grok.behave('*', 'silent-after-start')
    await using pictor = await start()
    const controller = new AbortController()
    const pending = pictor.fetch('/v1/images/generations', {
      ...json({ model: MODEL, prompt: 'a lighthouse' }),
      signal: controller.signal,
    })
    while (grok.sockets[0]?.messages.length !== 2) await new Promise((resolve) => setTimeout(resolve, 5))
    controller.abort()
    await expect(pending).rejects.toThrow()
    await grok.allClosed()
    expect(grok.sockets[0]?.closed).toBe(1001)
  })
})

test('an edit is refused with the names of models that can', async () => {
  await using pictor = await start()
  const picture = whole(await paint({ width: 64, height: 64, format: 'png', mark: 'reference' }))
  const image = `data:image/png;base64,${picture.toString('base64')}`
  const reply = await pictor.fetch('/v1/images/edits', json({ model: MODEL, prompt: 'make it snow', image }))
  expect(reply.status).toBe(400)
  expect(await reply.json()).toMatchObject({
    error: {
      code: 'unsupported_operation',
      param: 'model',
      message: expect.stringMatching(/draws from words only.*Models that can: demo/),
    },
  })
  expect(grok.sockets).toEqual([])
})

describe('how it is turned on', () => {
  test('without a file of tokens there is no such model', async () => {
    await using pictor = await startPictor({ SSO_FILE: join(folder, 'missing.txt'), GROK_WS_URL: grok.url })
    await expect(pictor.openai.models.retrieve(MODEL)).rejects.toMatchObject({ status: 404 })
  })

  test('lines of the file that are no tokens are passed over', async () => {
    await writeFile(join(folder, 'key.txt'), '# mine\nnot a token\nfine\n')
    await using pictor = await start()
    const accounts = await pictor.app.parts.gateway.accounts.manage.list('grok')
    expect(accounts).toHaveLength(1)
  })

  test.each([
    ['http', startHttpProxy],
    ['socks5', startSocksProxy],
  ])('PROXY_URL may be %s', async (_kind, startProxy) => {
    await using proxy = await startProxy(grok.port)
    await using pictor = await start({ PROXY_URL: proxy.url, GROK_WS_URL: 'ws://grok.example' })
    const { data } = await generateWith(pictor.openai, { model: MODEL, prompt: 'a lighthouse' })
    expect(data).toHaveLength(1)
    expect(proxy.asked).toMatchObject([{ destination: 'grok.example:80' }])
  })
})
