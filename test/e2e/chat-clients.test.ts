import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, startWithAnyModel, type TestGateway } from '../pictor.ts'
import { paint, whole } from '../upstreams/pictures.ts'
import {
  answer,
  assistant,
  complete,
  imagePart,
  linksIn,
  post,
  stream,
  sumOf,
  textPart,
  user,
} from './chat.ts'
import { callsFor, sha256Of } from './evidence.ts'

/* Requests as the clients in docs/clients/ send them, and what those clients read of the answers. */

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel({ PUBLIC_URL: 'https://pictures.example' })
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

interface Images {
  data: { url?: string; b64_json?: string }[]
}

const generate = async (gateway: TestGateway, body: Record<string, unknown>): Promise<Images> => {
  const response = await gateway.fetch('/v1/images/generations', json({ prompt: 'a cat', ...body }))
  expect(response.status).toBe(200)
  return (await response.json()) as Images
}

const decoded = ({ data: [item] }: Images) => Buffer.from(item?.b64_json ?? '', 'base64')
const isPng = (bytes: Uint8Array) => Buffer.from(bytes).subarray(1, 4).toString() === 'PNG'
const png = async (mark: string) => whole(await paint({ width: 64, height: 64, format: 'png', mark }))
const file = (bytes: Buffer) => new Blob([new Uint8Array(bytes)], { type: 'image/png' })
const dataUrl = (bytes: Buffer) => `data:image/png;base64,${bytes.toString('base64')}`

describe('Open WebUI', () => {
  test('creates pictures, of which it takes a `url` before base64', async () => {
    for (const more of [{ size: '1024x1024' }, { size: 'auto' }, {}]) {
      const body = { model: 'gemini-image-drawing', n: 1, response_format: 'b64_json', ...more }
      const images = await generate(pictor, body)
      expect(images.data[0]?.url).toBeUndefined()
      expect(isPng(decoded(images))).toBe(true)
    }
    // It leaves the format out for these.
    const images = await generate(pictor, { model: 'gpt-image-1', n: 1, size: '1024x1024' })
    expect(images.data[0]).not.toHaveProperty('url')
    expect(isPng(decoded(images))).toBe(true)
  })

  test('takes base64 for PNG, which IMAGES_OPENAI_API_PARAMS makes sure of', async () => {
    pictor.upstream.behave('image-jpeg', 'xai')
    const asked = { model: 'image-jpeg', n: 1, size: '64x64', response_format: 'b64_json' }
    expect(isPng(decoded(await generate(pictor, asked)))).toBe(false)
    expect(isPng(decoded(await generate(pictor, { ...asked, output_format: 'png' })))).toBe(true)
  })

  test('fetches a `url` with its key, where it is told to expect one', async () => {
    await using local = await startWithAnyModel()
    const { data } = await generate(local, { model: 'image-linked', n: 1 })
    const response = await fetch(data[0]?.url ?? '', {
      headers: { authorization: `Bearer ${local.key}` },
      redirect: 'error',
    })
    expect(response.headers.get('content-type')).toBe('image/png')
  })

  test('edits pictures, one as `image` and several as `image[]`', async () => {
    for (const [field, marks] of [
      ['image', ['one']],
      ['image[]', ['one', 'two']],
    ] as const) {
      const model = `image-edited-${marks.length}`
      const form = new FormData()
      for (const [name, value] of Object.entries({
        model,
        prompt: 'make it white',
        n: '1',
        response_format: 'b64_json',
      }))
        form.set(name, value)
      for (const mark of marks) form.append(field, file(await png(mark)), `${crypto.randomUUID()}.png`)
      const response = await pictor.fetch('/v1/images/edits', { method: 'POST', body: form })
      expect(isPng(decoded((await response.json()) as Images))).toBe(true)
      const sent = callsFor(pictor.upstream, model)[0]?.files.map(({ bytes }) => sha256Of(bytes))
      expect(sent).toEqual(await Promise.all(marks.map(async (mark) => sha256Of(await png(mark)))))
    }
  })

  test('shows the reason phrase of a failure', async () => {
    pictor.upstream.behave('image-refusing', 'moderation-400')
    const response = await pictor.fetch(
      '/v1/images/generations',
      json({ model: 'image-refusing', prompt: 'a cat' }),
    )
    expect(response.statusText).toBe('Moderation blocked')
    pictor.upstream.behave('image-unpaid', '429-quota')
    expect(
      (await pictor.fetch('/v1/images/generations', json({ model: 'image-unpaid', prompt: 'a cat' })))
        .statusText,
    ).toBe('Quota exceeded')
  })

  test('chats: a picture of the user comes as a data URL, the answer goes back as text, the browser loads the link', async () => {
    const sent = await png('sent')
    const messages: unknown[] = [user([textPart('make it white'), imagePart(dataUrl(sent))])]
    const first = await stream(pictor, { model: 'image-chat', messages })
    expect(callsFor(pictor.upstream, 'image-chat')[0]?.files.map(({ bytes }) => sha256Of(bytes))).toEqual([
      sha256Of(sent),
    ])
    const [link = ''] = linksIn(first.content)
    expect(link).toMatch(/^https:\/\/pictures\.example\/images\/[\w-]+$/)
    // It passes on what was said, thumbnail and closing words included.
    messages.push(assistant(first.content), user('now with a hat'))
    await stream(pictor, { model: 'image-chat', messages })
    expect(callsFor(pictor.upstream, 'image-chat')[1]?.files.map(({ bytes }) => sha256Of(bytes))).toEqual([
      await sumOf(pictor, link),
    ])

    const shown = await fetch(link.replace('https://pictures.example', pictor.url))
    expect(shown.status).toBe(200)
    expect(shown.headers.get('cross-origin-resource-policy')).toBe('cross-origin')
    expect(shown.headers.get('cache-control')).toContain('immutable')
  })

  test.each([
    '### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history.\n### Chat History:\n<chat_history>\nUSER: draw a cat\n</chat_history>',
    '### Task:\nGenerate 1-3 broad tags categorizing the main themes of the chat history.\n### Chat History:\n<chat_history>\nUSER: draw a cat\n</chat_history>',
    '### Task:\nSuggest 3-5 relevant follow-up questions.\n### Chat History:\n<chat_history>\nUSER: draw a cat\n</chat_history>',
  ])('asks for titles and the like, which draw nothing (%#)', async (task) => {
    const before = pictor.upstream.painted.length
    const body = { messages: [user(task)], stream: false }
    expect((await post(pictor, { ...body, model: 'image-chat' })).status).toBe(400)
    expect(await answer(pictor, { ...body, model: 'gpt-writer' })).toContain('word9')
    expect(pictor.upstream.painted).toHaveLength(before)
  })
})

describe('LobeChat', () => {
  test('creates pictures with the SDK, and reads base64, then the URL, of the first', async () => {
    const images = await pictor.openai.images.generate({
      model: 'gpt-image-1',
      n: 1,
      prompt: 'a cat',
      size: '1024x1024',
    })
    expect(isPng(Buffer.from(images.data?.[0]?.b64_json ?? '', 'base64'))).toBe(true)
    const linked = await pictor.openai.images.generate({ model: 'image-lobe', n: 1, prompt: 'a cat' })
    expect(linked.data?.[0]?.url).toMatch(/^https:\/\/pictures\.example\/images\//)
  })

  test('edits with `input_fidelity`', async () => {
    for (const images of [[file(await png('one'))], [file(await png('one')), file(await png('two'))]]) {
      const [first] = images
      const files = images.map((image) => new File([image], 'image.png', { type: 'image/png' }))
      const reply = await pictor.openai.images.edit({
        model: 'gpt-image-1',
        prompt: 'make it white',
        n: 1,
        input_fidelity: 'high',
        image: images.length === 1 && first ? new File([first], 'image.png', { type: 'image/png' }) : files,
      })
      expect(reply.data?.[0]?.b64_json).toBeDefined()
      expect(pictor.upstream.requests.at(-1)?.files).toHaveLength(images.length)
    }
  })

  test('draws over the chat API with `:image` models, and wants the picture in `images`', async () => {
    await using parts = await startWithAnyModel({ CHAT_IMAGE_FORMAT: 'parts' })
    const messages = [user([textPart('a cat'), imagePart(dataUrl(await png('sent')))])]
    for (const model of ['image-by-chat', 'gemini-image-by-chat']) {
      const { choices } = await complete(parts, { model, messages, stream: false })
      expect(choices[0]?.message.images?.[0]?.image_url.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/images\//)
    }
  })

  test('chats with tools, which are left to the model', async () => {
    pictor.upstream.behave('gpt-lobe', 'chat-tools')
    const body = {
      model: 'gpt-lobe',
      messages: [user('draw a cat')],
      stream: true,
      stream_options: { include_usage: true },
      tools: [
        {
          type: 'function',
          function: { name: 'edit_image', parameters: { type: 'object', properties: {} } },
        },
      ],
    }
    const { deltas, chunks } = await stream(pictor, body)
    expect(deltas.flatMap(({ tool_calls }) => tool_calls ?? [])).toHaveLength(1)
    expect(chunks.at(-1)?.usage).toBeDefined()
  })
})

describe('NextChat', () => {
  const settings = { temperature: 0.5, presence_penalty: 0, frequency_penalty: 0, top_p: 1 }

  test('chats with a model that draws', async () => {
    const messages = [
      { role: 'system', content: '\nYou are ChatGPT, a large language model trained by OpenAI.\n' },
      user('画一只猫'),
    ]
    const { content } = await stream(pictor, { model: 'image-next', messages, ...settings })
    expect(content).toContain('图片已完成')
    expect(linksIn(content)).toHaveLength(1)
    expect(callsFor(pictor.upstream, 'image-next')[0]?.body.prompt).toBe('画一只猫')
  })

  test('asks for a title and a summary, which draw nothing', async () => {
    const history = [user('draw a cat'), assistant('![image](https://pictures.example/images/x)')]
    for (const task of [
      'Please generate a four to five word title summarizing our conversation without any lead-in, punctuation, quotation marks, periods, symbols, bold text, or additional text. Remove enclosing quotation marks.',
      '使用四到五个字直接返回这句话的简要主题，不要解释、不要标点、不要语气词、不要多余文本，不要加粗，如果没有主题，请直接返回“闲聊”',
    ]) {
      const body = { messages: [...history, user(task)], stream: true, ...settings }
      expect((await post(pictor, { ...body, model: 'image-next' })).status).toBe(400)
      expect(await answer(pictor, { ...body, model: 'gpt-writer' })).toContain('word9')
    }
  })

  test('creates with `dall-e-3`', async () => {
    const body = {
      model: 'dall-e-3',
      response_format: 'b64_json',
      n: 1,
      size: '1024x1024',
      quality: 'standard',
      style: 'vivid',
    }
    const images = await generate(pictor, body)
    expect(images.data[0]?.url).toBeUndefined()
    expect(isPng(decoded(images))).toBe(true)
  })
})

describe('the Vercel AI SDK', () => {
  test('needs base64: asked for, native to the model, or made the default', async () => {
    expect(
      isPng(
        decoded(
          await generate(pictor, { model: 'image-vercel', n: 1, size: '64x64', response_format: 'b64_json' }),
        ),
      ),
    ).toBe(true)
    expect(isPng(decoded(await generate(pictor, { model: 'gpt-image-1', n: 1, size: '1024x1024' })))).toBe(
      true,
    )
    // `openai-compatible` says no format.
    expect(
      (await generate(pictor, { model: 'image-vercel', n: 1, size: '64x64' })).data[0]?.b64_json,
    ).toBeUndefined()
    await using base64 = await startWithAnyModel({ IMAGES_DEFAULT_FORMAT: 'b64_json' })
    expect(isPng(decoded(await generate(base64, { model: 'image-vercel', n: 1, size: '64x64' })))).toBe(true)
  })

  test('edits with unnamed files', async () => {
    const form = new FormData()
    form.set('model', 'gpt-image-1')
    form.set('prompt', 'make it white')
    form.set('n', '1')
    form.append('image', file(await png('one')))
    const response = await pictor.fetch('/v1/images/edits', { method: 'POST', body: form })
    expect(isPng(decoded((await response.json()) as Images))).toBe(true)
  })

  test('reads content as text, in streams and whole answers', async () => {
    const body = {
      model: 'image-vercel-chat',
      messages: [user([textPart('a cat')])],
      stream_options: { include_usage: true },
    }
    const { deltas, chunks, content } = await stream(pictor, body)
    for (const delta of deltas) expect(delta.content ?? '').toBeTypeOf('string')
    expect(linksIn(content)).toHaveLength(1)
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: expect.any(Number), completion_tokens: expect.any(Number) },
    })
    const { choices } = await complete(pictor, { ...body, stream_options: undefined })
    expect(choices[0]?.message).toEqual({ role: 'assistant', content: expect.stringMatching(/^!\[image\]/) })
  })
})
