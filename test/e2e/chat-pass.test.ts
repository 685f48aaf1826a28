import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, startWithAnyModel, type TestGateway } from '../pictor.ts'
import { answer, complete, linksIn, paintedBy, post, stream, sumOf, user } from './chat.ts'
import { callsFor, rowsOfModel, sha256Of } from './evidence.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel()
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

const messages = [user('tell me about cats')]

/** The answer of the upstream itself, as it is on the wire. */
async function fromUpstream(body: Record<string, unknown>, { upstream } = pictor): Promise<string> {
  const response = await fetch(
    `${upstream.url}/chat/completions`,
    json(body, { authorization: 'Bearer upstream-secret' }),
  )
  return response.text()
}

describe('a plain chat', () => {
  const bodies = {
    'as a stream': { stream: true, stream_options: { include_usage: true } },
    'as a whole': {},
  }

  test.each(Object.entries(bodies))('comes back byte for byte, %s', async (name, more) => {
    const body = { model: `gpt-plain-${name.length}`, messages, ...more }
    const response = await post(pictor, body)
    const raw = await response.text()
    expect(raw).toBe(await fromUpstream(body))
    expect(raw).toContain('word9')
    expect(await rowsOfModel(pictor, body.model)).toEqual([])
  })

  test('calls of tools too', async () => {
    pictor.upstream.behave('gpt-tools', 'chat-tools')
    for (const streams of [true, false]) {
      const body = {
        model: 'gpt-tools',
        messages: [user('draw a cat')],
        tools: [{ type: 'function' }],
        stream: streams,
      }
      expect(await (await post(pictor, body)).text()).toBe(await fromUpstream(body))
    }
  })

  test('goes up with all that the client said', async () => {
    const body = {
      model: 'gpt-fields',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', name: 'kim', content: `long ${'text '.repeat(40_000)}` },
      ],
      temperature: 0.2,
      n: 2,
      response_format: { type: 'json_object' },
      logit_bias: { 50256: -100 },
      metadata: { a: 'b' },
      stream: false,
      unheard_of: [1, { two: null }],
    }
    await complete(pictor, body)
    const [call] = callsFor(pictor.upstream, 'gpt-fields')
    expect(call?.path).toBe('/v1/chat/completions')
    expect(call?.body).toEqual(body)
    expect(call?.headers.authorization).toBe('Bearer upstream-secret')
  })

  test('through the official SDK', async () => {
    const asked = { model: 'gpt-sdk', messages: [{ role: 'user' as const, content: 'hello' }] }
    const whole = await pictor.openai.chat.completions.create(asked)
    expect(whole.choices[0]?.message.content).toMatch(/^word0 word1 .* word9 $/)
    const streamed = await pictor.openai.chat.completions.stream(asked).finalChatCompletion()
    expect(streamed.choices[0]?.message.content).toBe(whole.choices[0]?.message.content)
  })
})

describe('a chat model that draws', () => {
  const dialects = [
    ...([
      'chat-images',
      'chat-signed',
      'chat-markdown',
      'chat-bare',
      'chat-parts',
      'chat-blocks',
      'chat-base64',
    ] as const),
    ...(['chat-reasoning', 'chat-comments', 'chat-data'] as const),
  ]

  const WITHIN = /^Here:\s+!\[[^\]]*\]\([^)]*\)\s+!\[[^\]]*\]\([^)]*\)\s+Good\?$/
  /** A whole answer has its pictures beside all of its text. */
  const BEHIND = /^Here:Good\?\s+!\[[^\]]*\]\([^)]*\)\s+!\[[^\]]*\]\([^)]*\)$/
  const IN_TEXT: ReadonlySet<string> = new Set(['chat-markdown', 'chat-bare', 'chat-parts', 'chat-base64'])

  test.each(dialects)('%s: pictures are stored, links stand where they were', async (name) => {
    for (const streams of [true, false]) {
      const model = `gemini-image-${name}-${streams}`
      pictor.upstream.behave(model, {
        name,
        pictures: 2,
        side: 64,
        bytes: 100_000,
        before: 'Here:',
        after: 'Good?',
      })
      const before = pictor.upstream.painted.length
      const content = await answer(pictor, { model, messages, stream: streams })
      const sums = paintedBy(pictor.upstream).slice(before)
      expect(sums).toHaveLength(2)
      const links = linksIn(content)
      expect(links.every((link) => link.startsWith(`${pictor.url}/images/`))).toBe(true)
      expect(await Promise.all(links.map((link) => sumOf(pictor, link)))).toEqual(sums)
      expect(content).not.toContain('base64')
      if (name !== 'chat-data') expect(content).toMatch(streams || IN_TEXT.has(name) ? WITHIN : BEHIND)
      expect(await rowsOfModel(pictor, model)).toMatchObject([
        { prompt: 'tell me about cats' },
        { provider: 'openai' },
      ])
    }
  })

  test.each([1, 7, 4000])('a data URL in deltas of %i characters', async (piece) => {
    const model = `gemini-image-pieces-${piece}`
    pictor.upstream.behave(model, { name: 'chat-markdown', piece, side: 8, after: 'Good?' })
    const { content } = await stream(pictor, { model, messages })
    expect(content).toMatch(/^Here you go\s+!\[image\]\([^)]*\)\s+Good\?$/)
    expect(await sumOf(pictor, linksIn(content)[0])).toBe(paintedBy(pictor.upstream).at(-1))
  })

  test('thoughts around a picture go from a whole answer, and a draft in them is none', async () => {
    pictor.upstream.behave('gemini-image-thinking', { name: 'chat-think-picture', side: 64, after: 'Good?' })
    for (const streams of [true, false]) {
      const content = await answer(pictor, { model: 'gemini-image-thinking', messages, stream: streams })
      const links = linksIn(content)
      expect(await Promise.all(links.map((link) => sumOf(pictor, link)))).toEqual(
        paintedBy(pictor.upstream).slice(-1),
      )
      expect(content.includes('<think>')).toBe(streams)
    }
  })

  test('an answer in the other form than was asked for', async () => {
    pictor.upstream.behave('gemini-image-json', { name: 'chat-images', form: 'json', side: 64 })
    expect(linksIn((await stream(pictor, { model: 'gemini-image-json', messages })).content)).toHaveLength(1)
    pictor.upstream.behave('gemini-image-sse', { name: 'chat-images', form: 'stream', side: 64 })
    const { choices } = await complete(pictor, { model: 'gemini-image-sse', messages })
    expect(linksIn(String(choices[0]?.message.content))).toHaveLength(1)
  })

  test('usage and reasoning are kept', async () => {
    const model = 'gemini-image-usage'
    pictor.upstream.behave(model, { name: 'chat-reasoning', side: 64 })
    const { usage, choices } = await complete(pictor, { model, messages })
    const counted = {
      prompt_tokens: 10,
      completion_tokens: 1345,
      completion_tokens_details: { image_tokens: 1120 },
    }
    expect(usage).toMatchObject(counted)
    expect(choices[0]?.message.reasoning_content).toBe('Let me think.')
    const told = await stream(pictor, { model, messages, stream_options: { include_usage: true } })
    expect(told.chunks.at(-1)).toMatchObject({ choices: [], usage: counted })
    expect(told.reasoning).toBe('Let me think.')
  })

  test.each(['parts', 'content', 'base64'])('in the form `%s`', async (format) => {
    await using other = await startWithAnyModel({ CHAT_IMAGE_FORMAT: format })
    const body = { model: 'gemini-image-form', messages }
    other.upstream.behave(body.model, { name: 'chat-images', side: 64, bytes: 2_000_000 })
    const { message } = (await complete(other, body)).choices[0] ?? {}
    const { deltas, content } = await stream(other, body)
    const link = { type: 'image_url', image_url: { url: expect.stringContaining(`${other.url}/images/`) } }
    if (format === 'parts') {
      expect(message).toMatchObject({ content: expect.stringContaining('![image]('), images: [link] })
      expect(deltas.flatMap(({ images }) => images ?? [])).toMatchObject([link])
    } else if (format === 'content') {
      expect(message?.content).toEqual([{ type: 'text', text: 'Here you go' }, link])
      expect(deltas.flatMap((delta) => (Array.isArray(delta.content) ? delta.content : []))).toEqual([link])
    } else {
      const painted = paintedBy(other.upstream)
      const sums = [String(message?.content), content].map((text) =>
        sha256Of(Buffer.from(linksIn(text)[0]?.split(',')[1] ?? '', 'base64')),
      )
      expect(sums).toEqual(painted)
    }
  })

  test('links to other sites stay, or are stored where that is wanted', async () => {
    const dialects = [
      'chat-image-links',
      'chat-url',
      'chat-link',
      'chat-links',
      'chat-markdown-url',
      'chat-data-url',
    ] as const
    await using storing = await startWithAnyModel(
      { STORE_UPSTREAM_URLS: 'yes' },
      { isAllowedAddress: () => true },
    )
    for (const name of dialects)
      for (const streams of [true, false]) {
        const body = { model: `gemini-image-${name}`, messages, stream: streams }
        for (const { upstream } of [pictor, storing]) upstream.behave(body.model, { name, side: 64 })
        expect(await answer(pictor, body), name).toContain(`${pictor.upstream.origin}/files/`)
        const content = await answer(storing, body)
        expect(content, name).not.toContain('/files/')
        const [link = ''] = /http[^)\s]+/.exec(content) ?? []
        expect(await sumOf(storing, link), name).toBe(paintedBy(storing.upstream).at(-1))
      }
    expect(await rowsOfModel(pictor, 'gemini-image-chat-url')).toEqual([])
  })
})
