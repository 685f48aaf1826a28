import { toFile } from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { json, startWithGemini, type TestGeminiGateway } from '../pictor.ts'
import { type GeminiBehaviourName, SIGNATURE } from '../upstreams/gemini-behaviours.ts'
import { paint, whole } from '../upstreams/pictures.ts'
import type { ImagesReply } from './ask.ts'
import { eventually, expectPainted, rowOf, sha256Of, storedBytes } from './evidence.ts'

let pictor: TestGeminiGateway
beforeAll(async () => {
  pictor = await startWithGemini()
})
afterAll(() => pictor?.[Symbol.asyncDispose]())
beforeEach(() => {
  pictor.upstream.requests.length = 0
})

const MODEL = 'gemini-3-pro-image'
const calls = () => pictor.upstream.requests.filter(({ method }) => method === 'POST')
const generate = (body: Record<string, unknown>) =>
  pictor.fetch('/v1/images/generations', json({ model: MODEL, prompt: 'a red fox', ...body }))

describe('an OpenAI client draws with Gemini', () => {
  test('the model is in the list, and the alias stands for one that draws', async () => {
    const ids = await eventually(async () => {
      const { data } = await pictor.openai.models.list()
      const found = data.map(({ id }) => id)
      return found.includes('gemini-3-pro-image-preview') ? undefined : found
    })
    expect(ids).toEqual([
      ...['pictor', 'gemini-3.1-flash-image', 'gemini-3-pro-image', 'gemini-2.5-flash-image', 'demo'],
    ])
  })

  test('generations: base64 by default, kept with its signature, with the usage', async () => {
    const reply = await pictor.openai.images.generate({
      model: MODEL,
      prompt: 'a red fox',
      size: '1536x1024',
    })
    const [item] = (reply as ImagesReply).data
    const bytes = Buffer.from(item?.b64_json ?? '', 'base64')
    await expectPainted(bytes, { width: 1248, height: 832, format: 'png' })
    expect(item?.url).toBeUndefined()
    expect(await storedBytes(pictor, item?.image_id)).toEqual(bytes)
    expect(await rowOf(pictor, item?.image_id)).toMatchObject({
      provider: 'gemini',
      upstream_model: MODEL,
      signature: SIGNATURE,
    })
    expect(reply.usage).toMatchObject({ input_tokens: 10, output_tokens: 1345, total_tokens: 1355 })
    expect(calls()[0]?.body.generationConfig).toEqual({
      responseModalities: ['TEXT', 'IMAGE'],
      imageConfig: { aspectRatio: '3:2', imageSize: '1K' },
    })
  })

  test('three pictures are three calls, and what Gemini does not take is named', async () => {
    const response = await generate({ n: 3, quality: 'high', seed: 5, response_format: 'url' })
    const reply = (await response.json()) as ImagesReply & { warnings: { param: string }[] }
    expect(reply.data.map(({ url }) => url?.startsWith(pictor.url))).toEqual([true, true, true])
    expect(reply.warnings.map(({ param }) => param)).toEqual(['quality'])
    expect(calls()).toHaveLength(3)
  })

  test('edits: the references in upload order', async () => {
    const pictures = await Promise.all(
      ['first', 'second', 'third'].map(async (mark) =>
        whole(await paint({ width: 64, height: 48, format: 'png', mark })),
      ),
    )
    const reply = await pictor.openai.images.edit({
      model: MODEL,
      prompt: 'put them together',
      image: await Promise.all(
        pictures.map((bytes, index) => toFile(bytes, `${index}.png`, { type: 'image/png' })),
      ),
    })
    expect(reply.data?.[0]?.b64_json).toBeDefined()
    expect(calls()[0]?.pictures.map(({ sha256 }) => sha256)).toEqual(pictures.map(sha256Of))
  })

  test('a stream shows the thoughts as previews', async () => {
    const stream = await pictor.openai.images.generate({
      ...{ model: MODEL, prompt: 'a red fox', stream: true, partial_images: 2 },
    })
    const types: string[] = []
    for await (const { type } of stream) types.push(type)
    expect(types).toEqual(['image_generation.partial_image', 'image_generation.completed'])
  })
})

describe('failures', () => {
  test.each<[GeminiBehaviourName, number, string, RegExp]>([
    ['block-PROHIBITED_CONTENT', 400, 'content_policy_violation', /PROHIBITED_CONTENT/],
    ['finish-IMAGE_SAFETY', 400, 'content_policy_violation', /withheld by the safety filter/],
    ['finish-NO_IMAGE', 502, 'no_image', /Ask for a picture more plainly/],
    ['finish-MAX_TOKENS', 502, 'no_image', /maxOutputTokens/],
    ['text-only', 502, 'no_image', /I can only describe a cat/],
    ['400-field', 400, 'invalid_value', /Unknown name/],
    ['400-key', 502, 'upstream_auth', /refused the key/],
    ['400-location', 502, 'upstream_auth', /refused the key/],
    ['429-minute', 429, 'rate_limit_exceeded', /current quota/],
    ['429-day', 429, 'insufficient_quota', /current quota/],
    ['503', 502, 'upstream_overloaded', /overloaded/],
    ['504', 504, 'upstream_timeout', /Deadline/],
    ['cut', 502, 'upstream_unreachable', /./],
  ])('%s', async (name, status, code, words) => {
    // A gateway each: what fails may rest.
    await using other = await startWithGemini()
    other.upstream.behave('*', name)
    const response = await other.fetch('/v1/images/generations', json({ model: MODEL, prompt: 'a red fox' }))
    expect(response.status).toBe(status)
    const { error } = (await response.json()) as { error: { code: string; message: string } }
    expect(error.code).toBe(code)
    expect(error.message).toMatch(words)
    if (name === '429-minute') expect(response.headers.get('retry-after')).toBe('27')
  })

  test('a key that is refused gives way to the next', async () => {
    await using other = await startWithGemini({ GEMINI_API_KEY: 'a-wrong-key,upstream-secret' })
    await other.openai.images.generate({ model: MODEL, prompt: 'a red fox' })
    const keys = other.upstream.requests
      .filter(({ method }) => method === 'POST')
      .map(({ headers }) => headers['x-goog-api-key'])
    expect(keys).toEqual(['a-wrong-key', 'upstream-secret'])
  })
})
