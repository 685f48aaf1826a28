import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, sdk, startWithAnyModel, type TestGateway } from '../pictor.ts'
import { generateWith, type ImagesReply } from './ask.ts'
import { callsFor, expectPainted, idOf, rowOf, rowsOfModel, sha256Of } from './evidence.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel()
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

const generate = (body: Record<string, unknown>, openai = pictor.openai) => generateWith(openai, body)

const paramsOf = ({ warnings = [] }: ImagesReply) => warnings.map(({ param }) => param).sort()

describe('response_format', () => {
  const formsOf = async (body: Record<string, unknown>, openai = pictor.openai) => {
    const { data } = await generate({ prompt: 'a cat', size: '1024x1024', ...body }, openai)
    const [item] = data
    expect(item?.image_url).toBe(`${pictor.url}/images/${item?.image_id}`)
    if (item?.b64_json !== undefined) {
      const bytes = Buffer.from(item.b64_json, 'base64')
      expect(sha256Of(bytes)).toBe((await rowOf(pictor, item.image_id)).sha256)
    }
    if (item?.url !== undefined) expect(item.url).toBe(item.image_url)
    return Object.keys(item ?? {}).filter((name) => name === 'url' || name === 'b64_json')
  }

  test('is obeyed for every model', async () => {
    for (const model of ['gpt-image-1', 'dall-e-3', 'demo', 'image-any']) {
      expect(await formsOf({ model, response_format: 'url' }), model).toEqual(['url'])
      expect(await formsOf({ model, response_format: 'b64_json' }), model).toEqual(['b64_json'])
    }
  })

  test('is by default what the model of that name gives at OpenAI or Google', async () => {
    expect(await formsOf({ model: 'image-any' })).toEqual(['url'])
    expect(await formsOf({ model: 'dall-e-3' })).toEqual(['url'])
    for (const model of ['gpt-image-1.5', 'chatgpt-image-latest', 'vendor/gpt-image-1', 'gemini-3-image']) {
      expect(await formsOf({ model }), model).toEqual(['b64_json'])
    }
  })

  test('is by default what the key says', async () => {
    const { secret } = await pictor.app.parts.keys.create({ name: 'b64', imagesFormat: 'b64_json' })
    const reader = sdk(pictor.url, secret)
    expect(await formsOf({ model: 'image-any' }, reader)).toEqual(['b64_json'])
    expect(await formsOf({ model: 'image-any', response_format: 'url' }, reader)).toEqual(['url'])
    const url = await pictor.app.parts.keys.create({ name: 'url', imagesFormat: 'url' })
    expect(await formsOf({ model: 'gpt-image-1' }, sdk(pictor.url, url.secret))).toEqual(['url'])
  })

  test('is by default what IMAGES_DEFAULT_FORMAT says', async () => {
    await using other = await startWithAnyModel({
      IMAGES_DEFAULT_FORMAT: 'b64_json',
      PUBLIC_URL: 'https://pictures.example',
    })
    const [item] = (await generate({ model: 'image-any', prompt: 'a cat', size: '64x64' }, other.openai)).data
    expect(item).not.toHaveProperty('url')
    expect(item?.image_url).toBe(`https://pictures.example/images/${item?.image_id}`)
  })
})

describe('n', () => {
  test('is split where the upstream draws one at a time', async () => {
    const model = 'dall-e-3-three'
    const { data } = await generate({ model, prompt: 'a cat', n: 3 })
    expect(new Set(data.map(({ url }) => idOf(url))).size).toBe(3)
    expect(callsFor(pictor.upstream, model).map(({ body }) => body.n)).toEqual([1, 1, 1])
    expect(new Set((await rowsOfModel(pictor, model)).map(({ sha256 }) => sha256)).size).toBe(3)
  })

  test('is one call where the upstream draws many', async () => {
    const { data } = await generate({ model: 'image-many', prompt: 'a cat', n: 4, size: '64x64' })
    expect(data).toHaveLength(4)
    expect(callsFor(pictor.upstream, 'image-many').map(({ body }) => body.n)).toEqual([4])
  })

  test('gives what came when some failed, and says so', async () => {
    const model = 'dall-e-3-some'
    pictor.upstream.behave(model, ['auto', 'moderation-400', 'auto'])
    const reply = await generate({ model, prompt: 'a cat', n: 3 })
    expect(reply.data).toHaveLength(2)
    expect(paramsOf(reply)).toEqual(['n'])
    expect(reply.warnings?.[0]?.message).toMatch(/^1 of 3 .*safety system/)
  })

  test('gives what came when one picture of an answer is none or is withheld', async () => {
    for (const behaviour of ['half-broken', 'xai-half-moderated'] as const) {
      const model = `image-${behaviour}`
      pictor.upstream.behave(model, behaviour)
      const reply = await generate({ model, prompt: 'a cat', n: 2, size: '64x64' })
      expect(reply.data, behaviour).toHaveLength(1)
      expect(paramsOf(reply), behaviour).toEqual(['n'])
      expect(callsFor(pictor.upstream, model), behaviour).toHaveLength(1)
    }
  })

  test('is an error when all failed', async () => {
    const model = 'dall-e-3-none'
    pictor.upstream.behave(model, 'moderation-400')
    const all = generate({ model, prompt: 'a cat', n: 2 })
    await expect(all).rejects.toMatchObject({ status: 400, code: 'moderation_blocked' })
  })
})

describe('output_format', () => {
  test('is converted where the upstream gave another one, and the original stays', async () => {
    const body = { model: 'dall-e-3-webp', prompt: 'a cat', output_format: 'webp' }
    const reply = await generate({ ...body, response_format: 'b64_json', output_compression: 60 })
    expect(reply.output_format).toBe('webp')
    const [item] = reply.data
    const bytes = Buffer.from(item?.b64_json ?? '', 'base64')
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'webp', width: 1024, height: 1024 })
    expect(item?.image_url).toBe(`${pictor.url}/images/${item?.image_id}?format=webp`)

    const served = await fetch(item?.image_url ?? '')
    expect(served.headers.get('content-type')).toBe('image/webp')
    expect(sha256Of(await served.bytes())).toBe(sha256Of(bytes))
    const original = await fetch(`${pictor.url}/images/${item?.image_id}`)
    expect(original.headers.get('content-type')).toBe('image/png')
    await expectPainted(Buffer.from(await original.bytes()), { width: 1024, height: 1024, format: 'png' })
    expect((await rowOf(pictor, item?.image_id)).mime).toBe('image/png')
  })

  test('is converted where the upstream took it and gave another one all the same', async () => {
    const model = 'image-stubborn'
    pictor.upstream.behave(model, 'wrong-mime')
    const { data } = await generate({ model, prompt: 'a cat', output_format: 'png', size: '64x64' })
    expect(callsFor(pictor.upstream, model)[0]?.body.output_format).toBe('png')
    const served = await fetch(data[0]?.url ?? '')
    expect(served.headers.get('content-type')).toBe('image/png')
    expect((await sharp(await served.bytes()).metadata()).format).toBe('png')
    expect((await rowOf(pictor, data[0]?.image_id)).mime).toBe('image/jpeg')
  })

  test('is left to an upstream that can', async () => {
    const { data } = await generate({ model: 'gpt-image-1', prompt: 'a cat', output_format: 'jpeg' })
    expect(data[0]?.image_url).not.toContain('format')
    expect((await rowOf(pictor, data[0]?.image_id)).mime).toBe('image/jpeg')
  })
})

describe('parameters', () => {
  test('that the model does not take are named', async () => {
    const reply = await generate({
      model: 'dall-e-3-warned',
      prompt: 'a cat',
      seed: 5,
      background: 'transparent',
      moderation: 'low',
      output_compression: 50,
      size: '1000x1000',
      frobnicate: true,
    })
    expect(paramsOf(reply)).toEqual([
      'background',
      'frobnicate',
      'moderation',
      'output_compression',
      'seed',
      'size',
    ])
    const [call] = callsFor(pictor.upstream, 'dall-e-3-warned')
    expect(Object.keys(call?.body ?? {}).sort()).toEqual(['model', 'n', 'prompt', 'response_format', 'size'])
  })

  test('that nobody here knows go through untouched to a relay', async () => {
    const extra = { negative_prompt: 'dogs', loras: [{ name: 'x', weight: 0.5 }], steps: 30, nothing: null }
    const reply = await generate({ model: 'image-extra', prompt: 'a cat', seed: 5, style: 'vivid', ...extra })
    expect(reply.warnings).toBeUndefined()
    const { nothing: _, ...sent } = extra
    expect(callsFor(pictor.upstream, 'image-extra')[0]?.body).toMatchObject({
      ...sent,
      seed: 5,
      style: 'vivid',
    })
  })

  test('an aspect ratio becomes a size, and the other way round', async () => {
    await generate({ model: 'gpt-image-1-ratio', prompt: 'a cat', aspect_ratio: '3:2' })
    expect(callsFor(pictor.upstream, 'gpt-image-1-ratio')[0]?.body.size).toBe('1536x1024')
    await generate({ model: 'grok-imagine-image', prompt: 'a cat', size: '1792x1024' })
    const sent = callsFor(pictor.upstream, 'grok-imagine-image')[0]?.body
    expect(sent).toMatchObject({ aspect_ratio: '16:9' })
    expect(sent).not.toHaveProperty('size')
  })

  test("the gateway's alias draws with the preferred model", async () => {
    const response = await pictor.fetch('/v1/images/generations', json({ prompt: 'a cat' }))
    expect(response.status).toBe(200)
    const { data } = (await response.json()) as ImagesReply
    expect(await rowOf(pictor, data[0]?.image_id)).toMatchObject({ model: 'pictor' })
  })
})
