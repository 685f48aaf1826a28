import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { whole } from '../../../test/upstreams/pictures.ts'
import { spoolBase64 } from '../../bytes/spool-base64.ts'
import { SpooledText } from '../../bytes/spooled.ts'
import { withPrefix } from '../../bytes/write-json.ts'
import type { CallContext, ChatReply } from '../provider.ts'
import type { OpenAiConfig } from './openai-provider.ts'
import { KEY, openTestUpstream, type TestUpstream } from './testing.ts'

let bench: TestUpstream
beforeAll(async () => {
  bench = await openTestUpstream()
})
afterEach(() => {
  bench.fake.behave('*', 'auto')
  bench.fake.requests.length = 0
})
afterAll(() => bench?.[Symbol.asyncDispose]())

const HELLO = { model: 'public', messages: [{ role: 'user', content: 'Hello' }] }

function chat(
  body: Record<string, unknown> = {},
  changes: Partial<CallContext> = {},
  config: Partial<OpenAiConfig> = {},
): Promise<ChatReply> {
  const answer = bench
    .makeProvider(config)
    .chat?.({ model: 'gpt-4o', body: { ...HELLO, ...body } }, bench.context(changes))
  if (answer === undefined) throw new Error('the provider has no chat')
  return answer
}

async function textOf({ body }: ChatReply): Promise<string> {
  return Buffer.concat(await Array.fromAsync(body)).toString()
}

test('the request goes out as it came, but for the name of the model', async () => {
  const extra = {
    temperature: 0.3,
    modalities: ['image', 'text'],
    image_config: { aspect_ratio: '16:9' },
    tools: [{ type: 'function', function: { name: 'look' } }],
    x_unknown: { deep: [1, null, 'ü'] },
  }
  const reply = await chat(extra)
  expect(reply.isStream).toBe(false)
  expect(JSON.parse(await textOf(reply))).toMatchObject({ object: 'chat.completion', model: 'gpt-4o' })
  const [request] = bench.fake.requests
  expect(request).toMatchObject({
    method: 'POST',
    path: '/v1/chat/completions',
    body: { ...HELLO, ...extra, model: 'gpt-4o' },
    headers: {
      authorization: `Bearer ${KEY}`,
      'content-type': 'application/json',
      accept: 'application/json',
    },
  })
  expect(request?.headers).not.toHaveProperty('transfer-encoding')
})

test('pictures go out as base64 with the exact length', async () => {
  const url =
    'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC'
  const picture = await spoolBase64(url, bench.spool)
  const other = withPrefix(picture, 'data:image/png;base64,')
  const content = [{ type: 'image_url', image_url: { url: picture } }]
  const words = new SpooledText(['You drew ![it](', other, ')'])
  const messages = [
    { role: 'user', content },
    { role: 'assistant', content: words },
  ]
  await textOf(await chat({ messages }))
  const [request] = bench.fake.requests
  expect(request?.body.messages).toEqual([
    { role: 'user', content: [{ type: 'image_url', image_url: { url } }] },
    { role: 'assistant', content: `You drew ![it](${url})` },
  ])
  expect(request?.pictures).toMatchObject([{ sha256: picture.sha256 }, { sha256: picture.sha256 }])
  expect(Number(request?.headers['content-length'])).toBe(Buffer.byteLength(JSON.stringify(request?.body)))
})

test('a stream comes as the upstream sends it, event by event', async () => {
  bench.fake.behave('*', { name: 'chat-text', deltas: 3, every: 20 })
  const reply = await chat({ stream: true })
  expect(reply.isStream).toBe(true)
  expect(bench.fake.requests[0]?.headers.accept).toBe('text/event-stream')
  const chunks = await Array.fromAsync(reply.body)
  expect(chunks.length).toBeGreaterThan(2)
  const said = Buffer.concat(chunks).toString()
  expect(said.match(/word\d/g)).toEqual(['word0', 'word1', 'word2'])
  expect(said).toMatch(/data: \[DONE\]\n\n$/)
})

test('what comes back counts, not what was asked for', async () => {
  bench.fake.behave('*', [
    { name: 'chat-text', form: 'json' },
    { name: 'chat-text', form: 'stream' },
  ])
  const [json, stream] = [await chat({ stream: true }), await chat()]
  expect([json.isStream, stream.isStream]).toEqual([false, true])
  JSON.parse(await textOf(json))
  expect(await textOf(stream)).toMatch(/^data: /)
})

test('errors in a 200 are left to whoever reads it', async () => {
  bench.fake.behave('*', 'chat-error-in-200')
  expect(JSON.parse(await textOf(await chat()))).toMatchObject({ error: { code: 'engine_overloaded' } })
})

test.each([
  ['401', { kind: 'auth', maybePaid: false }],
  ['429-retry-after', { kind: 'rate', retryAfter: 7 }],
  ['429-quota', { kind: 'quota' }],
  ['moderation-400', { kind: 'moderation', code: 'moderation_blocked' }],
  ['400-invalid-value', { kind: 'bad_param', param: 'size' }],
  ['404-model', { kind: 'bad_param', param: 'model' }],
  ['new-api-error', { kind: 'overloaded' }],
  ['500', { kind: 'upstream_bug', maybePaid: false }],
  ['html-524', { kind: 'timeout', maybePaid: true }],
  ['html-200', { kind: 'upstream_bug', maybePaid: true }],
  ['reset', { kind: 'network', maybePaid: true }],
] as const)('%s is an error before the answer begins', async (name, expected) => {
  bench.fake.behave('*', name)
  await expect(chat({ stream: true })).rejects.toMatchObject({ name: 'ProviderError', ...expected })
})

test('a connection that breaks within the answer is a ProviderError', async () => {
  bench.fake.behave('*', { name: 'chat-cut', bytes: 300_000 })
  const reply = await chat({ stream: true })
  await expect(textOf(reply)).rejects.toMatchObject({
    name: 'ProviderError',
    kind: 'network',
    maybePaid: true,
  })
})

test('the time of the configuration holds for the answer too', async () => {
  bench.fake.behave('*', { name: 'chat-text', deltas: 50, over: 3_000 })
  const reply = await chat({ stream: true }, {}, { timeout: 150 })
  await expect(textOf(reply)).rejects.toMatchObject({ kind: 'timeout', maybePaid: true })
})

test('an abort ends it, before the answer and within', async () => {
  const reason = new Error('the client is gone')
  bench.fake.behave('*', ['hang', { name: 'chat-text', deltas: 50, over: 5_000 }])
  const [early, late] = [new AbortController(), new AbortController()]
  const waiting = expect(chat({}, { signal: early.signal })).rejects.toBe(reason)
  await bench.fake.received(1)
  early.abort(reason)
  await waiting
  const reply = await chat({ stream: true }, { signal: late.signal })
  const reading = expect(textOf(reply)).rejects.toBe(reason)
  late.abort(reason)
  await reading
  const ends = await Promise.all(bench.fake.requests.map(({ finished }) => finished))
  expect(ends).toEqual(['aborted', 'aborted'])
})

test.each(['discard', 'leave'])('an answer that nobody wants any more is ended: %s', async (way) => {
  bench.fake.behave('*', { name: 'chat-text', deltas: 50, over: 5_000 })
  const reply = await chat({ stream: true })
  if (way === 'discard') reply.discard()
  else for await (const _ of reply.body) break
  expect(await bench.fake.requests[0]?.finished).toBe('aborted')
})

test('a picture comes back byte for byte', async () => {
  bench.fake.behave('*', { name: 'chat-images', bytes: 500_000 })
  const answer = JSON.parse(await textOf(await chat()))
  const [, base64] = answer.choices[0].message.images[0].image_url.url.split(',')
  const painted = bench.fake.painted.at(-1)
  if (painted === undefined) throw new Error('nothing was painted')
  expect(sha256(Buffer.from(base64, 'base64'))).toBe(sha256(whole(painted)))
})

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
