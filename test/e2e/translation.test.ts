import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Static } from 'typebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TranslateReply } from '../../contract/prompts.ts'
import { json, startPictor, startWithAnyModel, type TestGateway, type TestPictor } from '../pictor.ts'
import { startFakeOpenAi } from '../upstreams/openai.ts'
import { translationOf } from '../upstreams/openai-chat-translate.ts'
import { generateWith, type ImagesReply } from './ask.ts'
import { begin, endOf } from './batch.ts'
import { callsFor, eventually, rowOf, rowsOfModel } from './evidence.ts'
import { ended, submit } from './job.ts'

const ON = { PROMPT_TRANSLATION_ENABLED: 'yes', OPENAI_MODEL: 'gpt-4o-translator', TRUST_PROXY: 'loopback' }
const CHAT = ON.OPENAI_MODEL

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel(ON)
  pictor.upstream.behave(CHAT, 'chat-translate')
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

const draw = ({ openai }: TestPictor, model: string, prompt: string, more = {}): Promise<ImagesReply> =>
  generateWith(openai, { model, prompt, size: '64x64', ...more })

/** The prompts that reached the upstream for a model. */
const sentFor = ({ upstream }: TestGateway, model: string) =>
  callsFor(upstream, model).map(({ body }) => body.prompt)

const jobOf = async ({ app }: TestPictor, taskId: string) => {
  const row = await app.parts.gateway.database.query
    .selectFrom('task')
    .select('job')
    .where('id', '=', taskId)
    .executeTakeFirstOrThrow()
  return JSON.parse(row.job)
}

describe('on the way of a request', () => {
  test('a prompt is translated; what was asked, sent and revised is kept with the picture', async () => {
    const prompt = '雪中的狐狸'
    const reply = await draw(pictor, 'image-kept', prompt)
    expect(sentFor(pictor, 'image-kept')).toEqual([translationOf(prompt)])
    expect(reply.data[0]).toMatchObject({ sent_prompt: translationOf(prompt) })
    expect(reply.warnings).toBeUndefined()
    const row = await rowOf(pictor, reply.data[0]?.image_id)
    expect(row).toMatchObject({ prompt, sent_prompt: translationOf(prompt), revised_prompt: null })
    expect(await jobOf(pictor, row.task_id)).toMatchObject({ prompt, sentPrompt: translationOf(prompt) })
  })

  test('English goes as it is, without a call', async () => {
    const before = callsFor(pictor.upstream, CHAT).length
    const prompt = 'a shop sign that says "营业中", photo'
    const reply = await draw(pictor, 'image-english', prompt)
    expect(sentFor(pictor, 'image-english')).toEqual([prompt])
    expect(callsFor(pictor.upstream, CHAT)).toHaveLength(before)
    expect(await rowOf(pictor, reply.data[0]?.image_id)).toMatchObject({ prompt, sent_prompt: null })
    expect(reply.data[0]).not.toHaveProperty('sent_prompt')
  })

  test('a stream, an async job and a batch send the translation, each from one call', async () => {
    const prompt = '海边的灯塔，水彩'
    const stream = await pictor.fetch(
      '/v1/images/generations',
      json({ model: 'image-streamed', prompt, size: '64x64', stream: true }),
    )
    expect(await stream.text()).toContain(JSON.stringify(translationOf(prompt)))
    expect(sentFor(pictor, 'image-streamed')).toEqual([translationOf(prompt)])

    const job = await submit(pictor, { model: 'image-async', prompt: '夜晚的森林' })
    expect(await ended(pictor, job)).toMatchObject({ status: 'completed' })
    expect(sentFor(pictor, 'image-async')).toEqual([translationOf('夜晚的森林')])

    const before = callsFor(pictor.upstream, CHAT).length
    const task = await begin(pictor, { model: 'image-batch', prompt: '五只猫', count: 5 })
    expect(await endOf(pictor, task)).toMatchObject({
      status: 'completed',
      completedCount: 5,
      prompt: '五只猫',
    })
    expect(new Set(sentFor(pictor, 'image-batch'))).toEqual(new Set([translationOf('五只猫')]))
    expect(callsFor(pictor.upstream, CHAT)).toHaveLength(before + 1)
    for (const row of await rowsOfModel(pictor, 'image-batch'))
      expect(row).toMatchObject({ prompt: '五只猫', sent_prompt: translationOf('五只猫') })
  })

  test('a chat that draws is translated too, and the search finds what was asked', async () => {
    const prompt = '画一座雪山'
    const response = await pictor.fetch(
      '/v1/chat/completions',
      json({ model: 'gpt-image-chat', messages: [{ role: 'user', content: prompt }] }),
    )
    expect(response.status).toBe(200)
    expect(sentFor(pictor, 'gpt-image-chat')).toEqual([translationOf(prompt)])
    expect(await rowsOfModel(pictor, 'gpt-image-chat')).toMatchObject([{ prompt }])
  })

  test('an idempotency key stands for what the caller sent', async () => {
    const body = { model: 'image-repeated', prompt: '一只狗', size: '64x64' }
    const ask = () => pictor.fetch('/v1/images/generations', json(body, { 'idempotency-key': 'dog' }))
    const first = await (await ask()).json()
    expect(await (await ask()).json()).toEqual(first)
    expect(sentFor(pictor, 'image-repeated')).toHaveLength(1)
  })

  test('twenty requests at once with the same new prompt ask the model once', async () => {
    const prompt = '二十只企鹅'
    pictor.upstream.behave(CHAT, { name: 'chat-translate', delay: 100 })
    await Promise.all(Array.from({ length: 20 }, () => draw(pictor, 'image-twenty', prompt)))
    pictor.upstream.behave(CHAT, 'chat-translate')
    expect(sentFor(pictor, 'image-twenty')).toEqual(Array(20).fill(translationOf(prompt)))
    const asked = callsFor(pictor.upstream, CHAT).filter(({ body }) => JSON.stringify(body).includes(prompt))
    expect(asked).toHaveLength(1)
  })

  const failures = {
    'a failing upstream': { name: '500' },
    'a full one': { name: '429-soon' },
    'a refusal': { name: 'chat-says', says: "I'm sorry, but I can't help with that." },
    'an empty answer': { name: 'chat-empty' },
    'a cut answer': { name: 'chat-too-long' },
    'a filtered answer': { name: 'chat-filtered' },
    'an answer in the same language': { name: 'chat-says', says: '一只在雪地里的猫' },
    'an answer without end': { name: 'chat-says', says: 'very '.repeat(4000) },
    'an error with status 200': { name: 'chat-error-in-200' },
    'what is no answer at all': { name: 'html-200' },
  } as const
  for (const [what, behaviour] of Object.entries(failures)) {
    test(`${what} is a warning, and the original goes out`, async () => {
      const model = `image-${what.replaceAll(' ', '-')}`
      await using own = await startWithAnyModel(ON)
      own.upstream.behave(CHAT, behaviour)
      const reply = await draw(own, model, '一只猫')
      expect(reply.warnings).toEqual([
        {
          param: 'prompt',
          message: expect.stringMatching(/^The prompt was not translated and was sent as it is: ./),
        },
      ])
      expect(sentFor(own, model)).toEqual(['一只猫'])
      expect(await rowOf(own, reply.data[0]?.image_id)).toMatchObject({ prompt: '一只猫', sent_prompt: null })
    })
  }

  test('a model that does not answer in time is a warning, and its call is ended', async () => {
    await using own = await startWithAnyModel(ON)
    own.app.parts.gateway.settings.translation.timeout = 300
    own.upstream.behave(CHAT, 'hang')
    const reply = await draw(own, 'image-late', '一只猫')
    expect(reply.warnings?.[0]?.message).toContain('no translation within 0.3 s')
    expect(await callsFor(own.upstream, CHAT)[0]?.finished).toBe('aborted')
  })

  test('an answer that stops in the middle of its body is ended by the time, too', async () => {
    await using own = await startWithAnyModel(ON)
    own.app.parts.gateway.settings.translation.timeout = 300
    own.upstream.behave(CHAT, { name: 'chat-translate', over: 60_000 })
    const reply = await draw(own, 'image-stuck', '一只猫')
    expect(reply.warnings?.[0]?.message).toContain('no translation within 0.3 s')
    expect(sentFor(own, 'image-stuck')).toEqual(['一只猫'])
  })

  test('a caller that leaves ends the translation, and nothing is drawn', async () => {
    await using own = await startWithAnyModel(ON)
    own.upstream.behave(CHAT, 'hang')
    const leaving = new AbortController()
    const request = own.fetch('/v1/images/generations', {
      ...json({ model: 'image-left', prompt: '一只猫' }),
      signal: leaving.signal,
    })
    await eventually(() => callsFor(own.upstream, CHAT)[0])
    leaving.abort()
    await expect(request).rejects.toThrow()
    expect(await callsFor(own.upstream, CHAT)[0]?.finished).toBe('aborted')
    const status = await eventually(async () => {
      const row = await own.app.parts.gateway.database.query
        .selectFrom('task')
        .select('status')
        .executeTakeFirstOrThrow()
      return row.status === 'running' ? undefined : row.status
    })
    expect(status).toBe('cancelled')
    expect(callsFor(own.upstream, 'image-left')).toEqual([])
  })

  test('without a chat model the original goes out with a warning that says what to set', async () => {
    await using own = await startPictor({ PROMPT_TRANSLATION_ENABLED: 'yes' })
    const reply = await draw(own, 'demo', '一只猫')
    expect(reply.warnings?.[0]?.message).toContain('OPENAI_MODEL')
  })

  test('enhancement is asked for where it is on', async () => {
    await using own = await startWithAnyModel({ ...ON, PROMPT_ENHANCEMENT_ENABLED: 'yes' })
    own.upstream.behave(CHAT, 'chat-translate')
    await draw(own, 'image-vivid', '一只猫')
    await draw(own, 'image-vivid', 'a cat')
    expect(sentFor(own, 'image-vivid')).toEqual([translationOf('一只猫', true), 'a cat'])
  })

  test('nothing is translated unless it is turned on', async () => {
    await using own = await startWithAnyModel()
    await draw(own, 'image-off', '一只猫')
    expect(sentFor(own, 'image-off')).toEqual(['一只猫'])
  })
})

describe('/v1/prompts', () => {
  type Translated = Static<typeof TranslateReply>
  const translate = async ({ fetch }: TestPictor, body: Record<string, unknown>) => {
    const response = await fetch('/v1/prompts/translate', json(body))
    expect(response.status).toBe(200)
    return (await response.json()) as Translated
  }
  const statistics = async ({ fetch }: TestPictor) => (await fetch('/v1/prompts/cache-stats')).json()

  test('translates whatever the setting for requests is, and remembers, also over a restart', async () => {
    const DATA_DIR = await mkdtemp(join(tmpdir(), 'pictor-'))
    const upstream = await startFakeOpenAi({})
    upstream.behave('gpt-4o-mini', 'chat-translate')
    const env = { DATA_DIR, OPENAI_BASE_URL: upstream.url }
    const original = '一只猫'
    const expected = { original, translated: translationOf(original, true), language: 'zh', enhanced: true }
    try {
      {
        await using own = await startPictor(env)
        expect(await translate(own, { prompt: original })).toEqual({ ...expected, cached: false })
        expect(await translate(own, { prompt: original })).toEqual({ ...expected, cached: true })
      }
      await using own = await startPictor(env)
      expect(await translate(own, { prompt: original })).toEqual({ ...expected, cached: true })
      expect(await translate(own, { prompt: original, force: true })).toEqual({ ...expected, cached: false })
      expect(await translate(own, { prompt: original, enhance: false })).toEqual({
        ...expected,
        translated: translationOf(original),
        enhanced: false,
        cached: false,
      })
      expect(callsFor(upstream, 'gpt-4o-mini')).toHaveLength(3)
      expect(await statistics(own)).toEqual({
        cache_size: 2,
        hits: 1,
        misses: 2,
        cache_entries: [expect.stringMatching(/^[0-9a-f]{64}$/), expect.stringMatching(/^[0-9a-f]{64}$/)],
      })
      const cleared = await own.fetch('/v1/prompts/clear-cache', { method: 'POST' })
      expect(await cleared.json()).toEqual({ success: true, message: 'Cache cleared, 2 entries removed' })
      expect(await statistics(own)).toMatchObject({ cache_size: 0, cache_entries: [] })
    } finally {
      await upstream.close()
      await rm(DATA_DIR, { recursive: true, force: true })
    }
  })

  test('English is enhanced where that is asked for, and else needs no model', async () => {
    expect(await translate(pictor, { prompt: 'a cat' })).toMatchObject({
      language: 'en',
      translated: translationOf('a cat', true),
      enhanced: true,
    })
    await using alone = await startPictor()
    expect(await translate(alone, { prompt: 'a cat', enhance: false })).toEqual({
      original: 'a cat',
      translated: 'a cat',
      language: 'en',
      enhanced: false,
      cached: false,
    })
  })

  test('a failure is answered with the original and a warning', async () => {
    await using own = await startWithAnyModel(ON)
    own.upstream.behave(CHAT, '500')
    expect(await translate(own, { prompt: '一只猫' })).toEqual({
      original: '一只猫',
      translated: '一只猫',
      language: 'zh',
      enhanced: false,
      cached: false,
      warning: expect.stringMatching(/^The prompt was not translated: ./),
    })
  })

  test('an upstream that streams unasked is understood', async () => {
    await using own = await startWithAnyModel(ON)
    own.upstream.behave(CHAT, { name: 'chat-translate', form: 'stream', piece: 5 })
    expect(await translate(own, { prompt: '一只猫', enhance: false })).toMatchObject({
      translated: translationOf('一只猫'),
    })
  })

  test('without a chat model it says what to set', async () => {
    await using alone = await startPictor()
    const response = await alone.fetch('/v1/prompts/translate', json({ prompt: '一只猫' }))
    expect([response.status, response.statusText]).toEqual([503, 'No chat model'])
    expect(await response.json()).toMatchObject({
      error: {
        code: 'translation_not_configured',
        message: expect.stringMatching(/OPENAI_API_KEY.*OPENAI_MODEL/),
      },
    })
  })

  test('wrong requests are refused by name', async () => {
    for (const [body, param] of [
      [{}, 'prompt'],
      [{ prompt: '' }, 'prompt'],
      [{ prompt: 'x'.repeat(32_001) }, 'prompt'],
      [{ prompt: 'a cat', enhance: 'perhaps' }, 'enhance'],
    ] as const) {
      const response = await pictor.fetch('/v1/prompts/translate', json(body))
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ error: { param } })
    }
    for (const path of ['/v1/prompts/translate', '/v1/prompts/clear-cache'])
      expect((await fetch(`${pictor.url}${path}`, { method: 'POST' })).status).toBe(401)
    expect((await fetch(`${pictor.url}/v1/prompts/cache-stats`)).status).toBe(401)
  })
})
