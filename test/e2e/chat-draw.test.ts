import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { resetUsage } from '../../src/gateway/manage-accounts.ts'
import { json, startPictor, startWithAnyModel, type TestGateway } from '../pictor.ts'
import {
  answer,
  complete,
  imagePart,
  linksIn,
  paintedBy,
  post,
  stream,
  sumOf,
  textPart,
  user,
} from './chat.ts'
import { callsFor, eventually, expectPainted, idOf, rowsOfModel, storedBytes } from './evidence.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel()
})
afterAll(() => pictor?.[Symbol.asyncDispose]())
// One test refuses the key for good; the others need it.
afterEach(() => resetUsage(pictor.app.parts.gateway))

const cat = { messages: [user('a cat')], size: '64x64' }

const taskOf = async (model: string, { app } = pictor) => {
  const tasks = await app.parts.gateway.database.query.selectFrom('task').selectAll().execute()
  return tasks.find(({ job }) => JSON.parse(job).model === model)
}

describe('with the official SDK', () => {
  test('an answer holds the link to the picture', async () => {
    const model = 'image-sdk'
    const completion = await pictor.openai.chat.completions.create({
      model,
      messages: [{ role: 'user', content: 'a cat' }],
    })
    expect(completion).toMatchObject({ object: 'chat.completion', model, usage: { total_tokens: 1066 } })
    const [choice] = completion.choices
    expect(choice).toMatchObject({ index: 0, finish_reason: 'stop', message: { role: 'assistant' } })
    const [link, ...others] = linksIn(choice?.message.content ?? '')
    expect(choice?.message.content).toBe(`![image](${link})`)
    expect(others).toEqual([])
    expect(new URL(link ?? '').origin).toBe(pictor.url)
    await expectPainted(await storedBytes(pictor, idOf(link)), { width: 1024, height: 1024, format: 'png' })
    expect((await fetch(link ?? '')).headers.get('content-type')).toBe('image/png')
  })

  test('a stream tells what happens, then gives the link', async () => {
    const runner = pictor.openai.chat.completions.stream({
      model: 'image-sdk-stream',
      messages: [{ role: 'user', content: 'a cat' }],
      stream_options: { include_usage: true },
    })
    const { choices, usage } = await runner.finalChatCompletion()
    const content = choices[0]?.message.content ?? ''
    expect(content).toMatch(
      /^### Drawing a picture\n\nYour request has been received\.\n\nConnecting to the model/,
    )
    expect(content).toContain('✓ Ready')
    expect(content).toMatch(/say “new picture”\.$/)
    expect(choices[0]?.finish_reason).toBe('stop')
    expect(usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 1056, total_tokens: 1066 })
    expect(linksIn(content)).toHaveLength(1)
    expect(await sumOf(pictor, linksIn(content)[0])).toBe(paintedBy(pictor.upstream).at(-1))
  })

  test('the demo painter draws for the alias, without any upstream', async () => {
    await using demo = await startPictor()
    const { choices } = await demo.openai.chat.completions.create({
      model: 'pictor',
      messages: [{ role: 'user', content: 'a cat' }],
    })
    const [link] = linksIn(choices[0]?.message.content ?? '')
    expect((await fetch(link ?? '')).status).toBe(200)
  })
})

describe('a stream', () => {
  test('begins before the upstream has answered', async () => {
    pictor.upstream.behave('image-silent', 'hang')
    const leaving = new AbortController()
    const response = await post(
      pictor,
      { ...cat, model: 'image-silent', stream: true },
      { signal: leaving.signal },
    )
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.includes('Connecting')) text += (await reader?.read())?.value
    const [first = ''] = text.split('\n\n')
    expect(JSON.parse(first.slice(6)).choices).toEqual([
      { index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null },
    ])
    leaving.abort()
  })

  test('has one id, the model that was asked for, one end, and the usage only where it is wanted', async () => {
    const { chunks } = await stream(pictor, { ...cat, model: 'image-chunks' })
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
    expect(
      chunks.every(({ object, model }) => object === 'chat.completion.chunk' && model === 'image-chunks'),
    ).toBe(true)
    expect(
      chunks.map(({ choices }) => choices[0]?.finish_reason).filter((reason) => reason !== null),
    ).toEqual(['stop'])
    expect(chunks.at(-1)?.choices[0]).toMatchObject({ delta: {}, finish_reason: 'stop' })
    expect(chunks.some(({ usage }) => usage)).toBe(false)
  })

  test('speaks the language of the client, else of the user, else the configured one', async () => {
    const ask = (prompt: string, language?: string) =>
      stream(
        pictor,
        { model: 'image-words', messages: [user(prompt)] },
        language ? { 'accept-language': language } : {},
      )
    expect((await ask('a cat', 'zh-CN,zh;q=0.9,en;q=0.8')).content).toContain('已接收您的创作请求')
    expect((await ask('一只猫', 'en-GB')).content).toContain('Your request has been received.')
    expect((await ask('一只猫')).content).toContain('已接收您的创作请求')
    await using chinese = await startPictor({ CHAT_LANGUAGE: 'zh' })
    const { content } = await stream(chinese, { ...cat, model: 'demo' }, { 'accept-language': 'en' })
    expect(content).toContain('图片已完成')
  })

  test('tells progress as reasoning, or not at all', async () => {
    await using thinking = await startPictor({ CHAT_PROGRESS: 'reasoning' })
    const told = await stream(thinking, { ...cat, model: 'demo' })
    expect(told.reasoning).toContain('Your request has been received.')
    expect(told.content).toMatch(/^!\[image\]\([^)]*\)\n\nTo change it/)

    await using silent = await startPictor({ CHAT_PROGRESS: 'off' })
    const { content, reasoning } = await stream(silent, { ...cat, model: 'demo' })
    expect(content.replaceAll('\u200b', '')).toMatch(/^!\[image\]\([^)]*\)\n\n$/)
    expect(reasoning).toBe('')
  })
})

describe('the form of the picture', () => {
  test('who asks for pictures as parts gets them beside the text', async () => {
    const body = { ...cat, model: 'image-parts', modalities: ['image', 'text'] }
    const { message } = (await complete(pictor, body)).choices[0] ?? {}
    const [link = ''] = linksIn(String(message?.content))
    expect(message?.images).toMatchObject([imagePart(link)])
    const { deltas, content } = await stream(pictor, body)
    expect(deltas.flatMap(({ images }) => images ?? [])).toMatchObject([imagePart(linksIn(content)[0] ?? '')])
  })

  test('`parts` does so for everyone', async () => {
    await using parts = await startPictor({ CHAT_IMAGE_FORMAT: 'parts' })
    const { message } = (await complete(parts, { ...cat, model: 'demo' })).choices[0] ?? {}
    expect(message?.images).toMatchObject([imagePart(linksIn(String(message?.content))[0] ?? '')])
  })

  test('`content` makes a list of the content', async () => {
    await using content = await startPictor({ CHAT_IMAGE_FORMAT: 'content' })
    const link = { type: 'image_url', image_url: { url: expect.stringContaining(`${content.url}/images/`) } }
    const { message } = (await complete(content, { ...cat, model: 'demo' })).choices[0] ?? {}
    expect(message?.content).toEqual([link])
    const { deltas } = await stream(content, { ...cat, model: 'demo' })
    expect(deltas.filter((delta) => Array.isArray(delta.content))).toEqual([{ content: [link] }])
  })

  test('`base64` sends 2 MB in lines that every client can read', async () => {
    await using whole = await startWithAnyModel({ CHAT_IMAGE_FORMAT: 'base64' })
    whole.upstream.behave('*', { name: 'b64', bytes: 2_000_000 })
    for (const streams of [true, false]) {
      const content = await answer(whole, { ...cat, model: 'image-large', stream: streams })
      const [url = ''] = linksIn(content)
      expect(url.startsWith('data:image/png;base64,')).toBe(true)
      const shape = { width: 64, height: 64, format: 'png', bytes: 2_000_000 } as const
      await expectPainted(Buffer.from(url.slice(url.indexOf(',')), 'base64'), shape)
    }
  })
})

describe('what is asked of the upstream', () => {
  test('several pictures, each with a link of its own', async () => {
    for (const streams of [true, false]) {
      const links = linksIn(await answer(pictor, { ...cat, model: 'image-three', n: 3, stream: streams }))
      expect(new Set(links).size).toBe(3)
      expect(await Promise.all(links.map((link) => sumOf(pictor, link)))).toEqual(
        paintedBy(pictor.upstream).slice(-3),
      )
    }
    expect(callsFor(pictor.upstream, 'image-three')[0]?.body).toMatchObject({
      n: 3,
      prompt: 'a cat',
      size: '64x64',
    })
  })

  test('a shape', async () => {
    await complete(pictor, { model: 'gpt-image-1-shape', messages: [user('a cat')], aspect_ratio: '2:3' })
    expect(callsFor(pictor.upstream, 'gpt-image-1-shape')[0]?.body.size).toBe('1024x1536')
    const { warnings } = await complete(pictor, {
      model: 'gpt-image-1-size',
      messages: [user('a cat')],
      size: '1000x1000',
    })
    expect(warnings).toMatchObject([{ param: 'size' }])
  })

  test('only the last words of the user, without what was written for a model that talks', async () => {
    const messages = [
      { role: 'system', content: 'You are a helpful assistant.' },
      user('hello'),
      { role: 'assistant', content: 'Hello! What shall I draw?' },
      user([textPart('a dog'), textPart('with a hat')]),
    ]
    await complete(pictor, { model: 'image-last-words', messages })
    expect(callsFor(pictor.upstream, 'image-last-words')[0]?.body.prompt).toBe('a dog\nwith a hat')
  })

  test('the user of a forwarded request is kept with the job', async () => {
    const headers = {
      'X-OpenWebUI-User-Name': 'J%C3%BCrgen%20%E7%8E%8B',
      'X-OpenWebUI-User-Id': '42',
      'X-OpenWebUI-User-Role': 'user',
    }
    await complete(pictor, { ...cat, model: 'image-forwarded' }, headers)
    expect(JSON.parse((await taskOf('image-forwarded'))?.job ?? '')).toMatchObject({ user: 'Jürgen 王' })
  })
})

describe('failures', () => {
  test.each([
    ['moderation-400', 400, 'moderation_blocked', 'did not pass moderation'],
    ['429-quota', 429, 'insufficient_quota', 'the quota is used up'],
    ['429-retry-after', 429, 'rate_limit_exceeded', 'Please try again in 7 s.'],
    ['401', 502, 'upstream_auth', 'the key of the server is not accepted'],
    ['empty-data', 502, 'no_image', 'the model answered without one'],
    ['reset', 502, 'upstream_unreachable', 'the service cannot be reached'],
  ] as const)(
    '%s is an HTTP error, and in a stream friendly words',
    async (behaviour, status, code, words) => {
      const [streamed, whole] = [`image-streamed-${behaviour}`, `image-whole-${behaviour}`]
      for (const model of [streamed, whole]) pictor.upstream.behave(model, behaviour)
      const { content, chunks } = await stream(pictor, { ...cat, model: streamed })
      expect(content).toContain('**Could not draw this: ')
      expect(content).toContain(words)
      expect(content).not.toContain('✓')
      expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop')
      const response = await post(pictor, { ...cat, model: whole })
      expect(response.status).toBe(status)
      expect(await response.json()).toMatchObject({ error: { code, message: expect.any(String) } })
    },
  )

  test('some of several pictures: the others are shown, and the answer says what is missing', async () => {
    pictor.upstream.behave('image-half', 'xai-half-moderated')
    const { content } = await stream(pictor, { ...cat, model: 'image-half', n: 2 })
    expect(linksIn(content)).toHaveLength(1)
    expect(content).toContain('1 of 2 pictures could not be drawn.')
  })

  test('what is wrong with the request itself is an HTTP error, also where a stream is wanted', async () => {
    await using strict = await startPictor()
    const refusal = async (body: Record<string, unknown>) => {
      const response = await post(strict, { stream: true, ...body })
      const { error } = (await response.json()) as { error: { code: string; param: string } }
      return [response.status, error.code, error.param]
    }
    const { messages } = cat
    expect(await refusal({ model: 'nobody-has-this', messages })).toEqual([404, 'model_not_found', 'model'])
    expect(await refusal({ model: 'demo' })).toEqual([400, 'missing_required_parameter', 'messages'])
    expect(await refusal({ model: 'demo', messages: [] })).toEqual([400, 'invalid_value', 'messages'])
    expect(await refusal({ model: 'demo', messages: 'a cat' })).toEqual([400, 'invalid_value', 'messages'])
    expect(await refusal({ model: 'demo', messages: ['a cat'] })).toEqual([
      400,
      'invalid_value',
      'messages[0]',
    ])
    expect(await refusal({ model: 'demo', messages: [user('')] })).toEqual([400, 'invalid_value', 'messages'])
    expect(await refusal({ model: 'demo', messages, size: 'big' })).toEqual([400, 'invalid_value', 'size'])
    const broken = await strict.fetch('/v1/chat/completions', { ...json({}), body: '{"messages":[' })
    expect(broken.status).toBe(400)
  })

  test('a title is not drawn', async () => {
    const task =
      '### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history.\n### Chat History:\n<chat_history>\nUSER: draw a cat\n</chat_history>'
    const response = await post(pictor, { model: 'image-title', messages: [user(task)] })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { code: 'unsupported_operation', param: 'messages' },
    })
    expect(callsFor(pictor.upstream, 'image-title')).toEqual([])
  })
})

describe('a client that goes away', () => {
  /** Asks, and hangs up `after` ms after the upstream was asked. */
  async function leave(model: string, after: number, streams: boolean): Promise<void> {
    const leaving = new AbortController()
    const reading = post(pictor, { ...cat, model, stream: streams }, { signal: leaving.signal }).then(
      (response) => response.text(),
    )
    await eventually(() => callsFor(pictor.upstream, model)[0])
    await new Promise((resolve) => setTimeout(resolve, after))
    leaving.abort()
    await expect(reading).rejects.toThrow()
  }

  const ended = (model: string) =>
    eventually(async () => ((await taskOf(model))?.finished_at ? (await taskOf(model))?.status : undefined))

  test.each([true, false])('before the upstream has answered ends the call (stream: %s)', async (streams) => {
    const model = `image-left-${streams}`
    pictor.upstream.behave(model, 'hang')
    await leave(model, 0, streams)
    expect(await callsFor(pictor.upstream, model)[0]?.finished).toBe('aborted')
    expect(await ended(model)).toBe('cancelled')
  })

  test('while the picture arrives finds it in the library', async () => {
    pictor.upstream.behave('image-arriving', { name: 'b64', bytes: 2_000_000, over: 1200 })
    await leave('image-arriving', 400, true)
    expect(await callsFor(pictor.upstream, 'image-arriving')[0]?.finished).toBe('complete')
    expect(await ended('image-arriving')).toBe('completed')
    expect(await rowsOfModel(pictor, 'image-arriving')).toHaveLength(1)
  })
})
