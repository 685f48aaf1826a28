import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { resetUsage } from '../../src/gateway/manage-accounts.ts'
import { startPictor, startWithAnyModel, startWithUpstream, type TestGateway } from '../pictor.ts'
import { startFakeOpenAi } from '../upstreams/openai.ts'
import { answer, complete, linksIn, post, stream, user } from './chat.ts'
import { callsFor, eventually, expectPainted, rowsOfModel, storedBytes } from './evidence.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel()
})
afterAll(() => pictor?.[Symbol.asyncDispose]())
// One test refuses the key for good; the others need it.
afterEach(() => resetUsage(pictor.app.parts.gateway))

const messages = [user('tell me about cats')]

describe('who answers', () => {
  /** In front of an upstream whose models are known by its list. */
  async function startWithList(env: Record<string, string> = {}): Promise<TestGateway> {
    const gateway = await startWithUpstream(env)
    await eventually(async () =>
      (await (await gateway.fetch('/v1/models')).text()).includes('gpt-4o-mini') ? true : undefined,
    )
    return gateway
  }

  /** Which model and route of the upstream a request came to. */
  async function roadOf(gateway: TestGateway, body: Record<string, unknown>): Promise<string> {
    const before = gateway.upstream.requests.length
    await answer(gateway, { messages, ...body })
    const calls = gateway.upstream.requests.slice(before).filter(({ path }) => path !== '/v1/models')
    return calls.map(({ path, body }) => `${path.slice('/v1/'.length)} ${body.model}`).join()
  }

  const DRAWN = 'images/generations gpt-image-1.5'
  const PASSED = 'chat/completions gpt-4o-mini'
  const title = user(
    '### Task:\nGenerate a concise title.\n<chat_history>\nUSER: draw a cat\n</chat_history>',
  )
  const say = (words: string) => ({ messages: [user(words)] })

  test('auto: whoever is right for the words', async () => {
    await using gateway = await startWithList()
    for (const model of ['gpt-4o-mini', 'pictor', undefined]) {
      const asked = model === undefined ? {} : { model }
      expect(await roadOf(gateway, { ...asked, ...say('how are you?') })).toBe(PASSED)
      expect(await roadOf(gateway, { ...asked, ...say('draw a cat') })).toBe(DRAWN)
      expect(await roadOf(gateway, { ...asked, ...say('画一只猫'), stream: true })).toBe(DRAWN)
      expect(await roadOf(gateway, { ...asked, ...say('what is my address?') })).toBe(PASSED)
      expect(await roadOf(gateway, { ...asked, ...say('draw a cat'), tools: [{ type: 'function' }] })).toBe(
        PASSED,
      )
      expect(await roadOf(gateway, { ...asked, ...say('draw a cat'), tools: [] })).toBe(DRAWN)
      expect(await roadOf(gateway, { ...asked, messages: [title] })).toBe(PASSED)
    }
    expect(await roadOf(gateway, { model: 'gpt-image-1.5' })).toBe(DRAWN)
    expect(await roadOf(gateway, { model: 'gpt-image-1.5', messages: [title] })).toBe(PASSED)
    expect(await roadOf(gateway, { model: 'pictor', modalities: ['image', 'text'] })).toBe(DRAWN)
    expect(await roadOf(gateway, { model: 'gpt-4o-mini', modalities: ['image', 'text'] })).toBe(PASSED)
  })

  test('always and never: the configured one', async () => {
    await using always = await startWithList({ CHAT_PICTURES: 'always' })
    await using never = await startWithList({ CHAT_PICTURES: 'never' })
    for (const model of ['gpt-4o-mini', 'pictor']) {
      expect(await roadOf(always, { model, ...say('how are you?') })).toBe(DRAWN)
      expect(await roadOf(never, { model, ...say('draw a cat') })).toBe(PASSED)
    }
    expect(await roadOf(never, { model: 'gpt-image-1.5', ...say('how are you?') })).toBe(DRAWN)
  })

  test('the chat model of the relay answers for the alias', async () => {
    const upstream = await startFakeOpenAi()
    upstream.models = undefined
    const env = {
      RELAY_BASE_URL: upstream.url,
      RELAY_CHAT_MODEL: 'grok-chats',
      RELAY_IMAGE_MODEL: 'grok-draws',
    }
    await using relay = { ...(await startPictor(env)), upstream }
    expect(await roadOf(relay, { model: 'pictor', ...say('how are you?') })).toBe(
      'chat/completions grok-chats',
    )
    expect(await roadOf(relay, { model: 'pictor', ...say('draw a cat') })).toBe(
      'images/generations grok-draws',
    )
    await upstream.close()
  })
})

describe('a chat upstream that fails', () => {
  test.each([
    ['429-quota', 429, 'insufficient_quota'],
    ['429-retry-after', 429, 'rate_limit_exceeded'],
    ['moderation-400', 400, 'moderation_blocked'],
    ['html-502', 502, 'upstream_overloaded'],
    ['401', 502, 'upstream_auth'],
    ['reset', 502, 'upstream_unreachable'],
    ['chat-error-in-200', 502, 'upstream_overloaded'],
    ['chat-choice-error', 502, 'upstream_overloaded'],
  ] as const)('%s before the first byte is an HTTP error', async (name, status, code) => {
    for (const streams of [true, false]) {
      const model = `gpt-${name}-${streams}`
      pictor.upstream.behave(model, name)
      const response = await post(pictor, { model, messages, stream: streams })
      const text = await response.text()
      expect(response.status, text).toBe(status)
      expect(JSON.parse(text)).toMatchObject({
        error: { code, message: expect.any(String), type: expect.any(String) },
      })
      expect(text).not.toContain('upstream-secret')
    }
  })

  test('a broken picture or answer is an HTTP error, where it is not streamed', async () => {
    for (const name of ['chat-cut', 'not-json'] as const) {
      pictor.upstream.behave(`gemini-image-${name}`, name)
      const response = await post(pictor, { model: `gemini-image-${name}`, messages })
      expect(response.status).toBe(502)
      expect(await response.json()).toMatchObject({ error: { code: expect.stringMatching(/^upstream_/) } })
    }
  })

  test.each([
    ['chat-cut', 'en', 'The answer broke off'],
    ['chat-cut', 'zh', '回答中断了'],
    ['chat-error-mid', 'en', 'The answer broke off'],
  ] as const)(
    '%s in the middle of a stream ends it with friendly words (%s)',
    async (name, language, words) => {
      const model = `gemini-image-${name}-${language}`
      pictor.upstream.behave(model, { name, before: 'Here:', bytes: 200_000, every: 150 })
      const { content, chunks } = await stream(pictor, { model, messages }, { 'accept-language': language })
      expect(content).toMatch(/^(Here:|Hello there!)\s+\*\*/)
      expect(content).toContain(words)
      expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop')
    },
  )

  test('hands the chat over to the next key', async () => {
    const upstream = await startFakeOpenAi()
    upstream.models = undefined
    await using two = await startPictor({ OPENAI_BASE_URL: upstream.url, OPENAI_API_KEY: 'first,second' })
    upstream.behave('gpt-busy', ['429-retry-after', 'chat-text'])
    expect(await answer(two, { model: 'gpt-busy', messages, stream: true })).toContain('word9')
    expect(callsFor(upstream, 'gpt-busy').map(({ headers }) => headers.authorization)).toEqual([
      'Bearer first',
      'Bearer second',
    ])
    await answer(two, { model: 'gpt-busy', messages })
    expect(callsFor(upstream, 'gpt-busy').at(-1)?.headers.authorization).toBe('Bearer second')
    await upstream.close()
  })
})

describe('a client that goes away', () => {
  /** Asks, and hangs up `after` ms after the upstream was asked. */
  async function leave(model: string, after: number, streams: boolean): Promise<void> {
    const leaving = new AbortController()
    const reading = post(pictor, { model, messages, stream: streams }, { signal: leaving.signal }).then(
      (response) => response.text(),
    )
    await eventually(() => callsFor(pictor.upstream, model)[0])
    await new Promise((resolve) => setTimeout(resolve, after))
    leaving.abort()
    await expect(reading).rejects.toThrow()
  }

  const endOf = (model: string) => callsFor(pictor.upstream, model)[0]?.finished

  test.each([true, false])('before the answer ends the call (stream: %s)', async (streams) => {
    pictor.upstream.behave(`gpt-hanging-${streams}`, 'hang')
    await leave(`gpt-hanging-${streams}`, 0, streams)
    expect(await endOf(`gpt-hanging-${streams}`)).toBe('aborted')
  })

  test('in the middle of a stream ends the call', async () => {
    pictor.upstream.behave('gpt-talking', { name: 'chat-text', deltas: 2000, every: 10 })
    await leave('gpt-talking', 200, true)
    expect(await endOf('gpt-talking')).toBe('aborted')
  })

  test.each([true, false])(
    'while a picture arrives finds it in the library (stream: %s)',
    async (streams) => {
      const model = `gemini-image-arriving-${streams}`
      const picture = { side: 64, bytes: 2_000_000 }
      pictor.upstream.behave(model, { name: 'chat-images', over: 1200, ...picture })
      await leave(model, 500, streams)
      const row = await eventually(async () => (await rowsOfModel(pictor, model))[0])
      await expectPainted(await storedBytes(pictor, row.id), {
        width: 64,
        height: 64,
        format: 'png',
        bytes: 2_000_000,
      })
      const tasks = await eventually(async () => {
        const found = await pictor.app.parts.gateway.database.query
          .selectFrom('task')
          .selectAll()
          .where('id', '=', row.task_id)
          .execute()
        return found[0]?.finished_at ? found : undefined
      })
      expect(tasks).toMatchObject([{ status: 'completed', completed: 1, total: 1 }])
    },
  )

  test('the user of a forwarded request is kept with his picture', async () => {
    const body = { model: 'gemini-image-forwarded', messages: [user('a cat')] }
    const { choices } = await complete(pictor, body, { 'x-openwebui-user-email': 'kim%40example.org' })
    expect(linksIn(String(choices[0]?.message.content))).toHaveLength(1)
    const [row] = await rowsOfModel(pictor, body.model)
    const task = await pictor.app.parts.gateway.database.query
      .selectFrom('task')
      .selectAll()
      .where('id', '=', row?.task_id ?? '')
      .executeTakeFirstOrThrow()
    expect(JSON.parse(task.job)).toMatchObject({ prompt: 'a cat', user: 'kim@example.org', kind: 'generate' })
    expect(task).toMatchObject({ status: 'completed', mode: 'sync' })
  })
})
