import type OpenAI from 'openai'
import { toFile } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, sdk, startWithAnyModel, type TestGateway } from '../pictor.ts'
import { paint, whole } from '../upstreams/pictures.ts'
import { callsFor, expectPainted, idOf, rowOf, rowsOfModel, sha256Of, storedBytes } from './evidence.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel()
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

/** The events as the SDK reads them. */
type Event = OpenAI.ImageGenStreamEvent & { url?: string; image_id?: string; image_url?: string }

async function stream(body: Record<string, unknown>, openai = pictor.openai): Promise<Event[]> {
  const events: Event[] = []
  const params = { prompt: 'a cat', stream: true, ...body } as unknown as OpenAI.ImageGenerateParamsStreaming
  for await (const event of await openai.images.generate(params)) events.push(event)
  return events
}

/** The events as they are on the wire. */
async function wire(body: Record<string, unknown>) {
  const response = await pictor.fetch(
    '/v1/images/generations',
    json({ prompt: 'a cat', stream: true, ...body }),
  )
  const blocks = (await response.text()).split('\n\n').filter((block) => block.startsWith('event:'))
  const events = blocks.map((block) => {
    const [event = '', data = ''] = block.split('\n')
    return { event: event.slice(7), data: JSON.parse(data.slice(6)) }
  })
  return { response, events }
}

const decoded = (event: { b64_json?: string } | undefined) => Buffer.from(event?.b64_json ?? '', 'base64')

describe('generations', () => {
  test('previews come first, then the picture with the usage, in the fields of OpenAI', async () => {
    const model = 'gpt-image-1-previews'
    const { response, events } = await wire({ model, partial_images: 2, quality: 'low' })
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('no-cache')
    expect(events.map(({ event }) => event)).toEqual([
      'image_generation.partial_image',
      'image_generation.partial_image',
      'image_generation.completed',
    ])
    for (const { event, data } of events) expect(data.type).toBe(event)
    expect(events.slice(0, 2).map(({ data }) => data.partial_image_index)).toEqual([0, 1])
    for (const { data } of events.slice(0, 2)) {
      expect(Object.keys(data).sort()).toEqual([
        'b64_json',
        'background',
        'created_at',
        'output_format',
        'partial_image_index',
        'quality',
        'size',
        'type',
      ])
      expect(data).toMatchObject({ size: '1024x1024', quality: 'low', output_format: 'png' })
      await expectPainted(decoded(data), { width: 1024, height: 1024, format: 'png' })
    }
    const last = events.at(-1)?.data
    expect(last).toMatchObject({
      size: '1024x1024',
      quality: 'low',
      background: 'opaque',
      output_format: 'png',
      usage: { total_tokens: 100, input_tokens: 50, output_tokens: 50 },
    })
    expect(last.created_at).toBeTypeOf('number')
    expect(sha256Of(decoded(last))).toBe(sha256Of(await storedBytes(pictor, last.image_id)))
    expect(await rowsOfModel(pictor, model)).toHaveLength(1)
  })

  test('who did not choose a format gets both', async () => {
    const events = await stream({ model: 'gpt-image-1-both', partial_images: 1 })
    const last = events.at(-1)
    expect(last?.type).toBe('image_generation.completed')
    expect(idOf(last?.url)).toBe(last?.image_id)
    const bytes = await storedBytes(pictor, last?.image_id)
    expect(sha256Of(decoded(last))).toBe(sha256Of(bytes))
    await expectPainted(bytes, { width: 1024, height: 1024, format: 'png' })
  })

  test('who chose one gets that', async () => {
    const formsOf = async (response_format: string) => {
      const last = (await stream({ model: 'image-form', response_format })).at(-1) ?? {}
      return Object.keys(last).filter((name) => name === 'url' || name === 'b64_json')
    }
    expect(await formsOf('url')).toEqual(['url'])
    expect(await formsOf('b64_json')).toEqual(['b64_json'])
    const { secret } = await pictor.app.parts.keys.create({ name: 'url', imagesFormat: 'url' })
    const [last] = await stream({ model: 'image-form' }, sdk(pictor.url, secret))
    expect(last).not.toHaveProperty('b64_json')
  })

  test('several pictures are as many events, and the last has the usage of all', async () => {
    const events = await stream({ model: 'gpt-image-1-n', n: 3, partial_images: 1 })
    const completed = events.filter(({ type }) => type === 'image_generation.completed')
    expect(completed.map((event) => 'usage' in event)).toEqual([false, false, true])
    expect(completed.at(-1)).toMatchObject({ usage: { total_tokens: 300 } })
    expect(new Set(completed.map(({ image_id }) => image_id)).size).toBe(3)
    expect(callsFor(pictor.upstream, 'gpt-image-1-n')).toHaveLength(3)
  })

  test('an upstream that does not stream still gives its picture, and previews are named as missing', async () => {
    const [last, ...rest] = await stream({ model: 'dall-e-3-streamed', partial_images: 2 })
    expect(rest).toEqual([])
    expect(last).toMatchObject({
      type: 'image_generation.completed',
      warnings: [{ param: 'partial_images' }],
    })
  })

  test('the order and the oddities of an upstream do not matter', async () => {
    for (const name of ['sse-final-first', 'stream-asked-json-answered', 'sse-done'] as const) {
      const model = `gpt-image-1-${name}`
      pictor.upstream.behave(model, name)
      const events = await stream({ model, partial_images: 2 })
      expect(
        events.map(({ type }) => type),
        name,
      ).toEqual(['image_generation.completed'])
    }
  })

  test('a converted format is converted in the stream too', async () => {
    const last = (await stream({ model: 'dall-e-3-stream-webp', output_format: 'webp' })).at(-1)
    expect(decoded(last).subarray(8, 12).toString()).toBe('WEBP')
    expect(last?.url).toMatch(/\?format=webp$/)
    expect((await rowOf(pictor, last?.image_id)).mime).toBe('image/png')
  })

  test('what some of several pictures failed of is said with the last one', async () => {
    const model = 'dall-e-3-stream-some'
    pictor.upstream.behave(model, ['auto', 'moderation-400'])
    const events = await stream({ model, n: 2 })
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ warnings: [{ param: 'n' }] })
  })
})

describe('failures', () => {
  test('before the first byte are an HTTP error', async () => {
    for (const behaviour of ['moderation-400', 'sse-error'] as const) {
      const model = `gpt-image-1-fails-${behaviour}`
      pictor.upstream.behave(model, behaviour)
      const { response } = await wire({ model, partial_images: 1 })
      expect(response.status, behaviour).toBe(behaviour === 'sse-error' ? 502 : 400)
      expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    }
  })

  test('after it are an event', async () => {
    for (const behaviour of ['sse-cut', 'sse-ends-early'] as const) {
      const model = `gpt-image-1-${behaviour}`
      pictor.upstream.behave(model, behaviour)
      const { response, events } = await wire({ model, partial_images: 2 })
      expect(response.status).toBe(200)
      expect(events[0]?.event, behaviour).toBe('image_generation.partial_image')
      expect(events.at(-1), behaviour).toMatchObject({
        event: 'error',
        data: { type: 'error', error: { message: expect.any(String), type: 'upstream_error', param: null } },
      })
      expect(callsFor(pictor.upstream, model), behaviour).toHaveLength(1)
    }
  })

  test('the SDK throws what the event says', async () => {
    pictor.upstream.behave('gpt-image-1-thrown', 'sse-cut')
    const reading = stream({ model: 'gpt-image-1-thrown', partial_images: 2 })
    await expect(reading).rejects.toMatchObject({ error: { code: 'upstream_unreachable' } })
  })

  test('after two silent seconds are an event as well', async () => {
    pictor.upstream.behave('gpt-image-1-slow', { name: 'moderation-400', delay: 2300 })
    const { response, events } = await wire({ model: 'gpt-image-1-slow', partial_images: 1 })
    expect(response.status).toBe(200)
    expect(events).toMatchObject([{ event: 'error', data: { error: { code: 'moderation_blocked' } } }])
  })
})

test('edits stream under their own names', async () => {
  const bytes = whole(await paint({ width: 64, height: 64, format: 'png', mark: 'input' }))
  const events: OpenAI.ImageEditStreamEvent[] = []
  const edits = await pictor.openai.images.edit({
    model: 'gpt-image-1-edit',
    prompt: 'make it snow',
    image: await toFile(bytes, 'input.png', { type: 'image/png' }),
    stream: true,
    partial_images: 1,
  })
  for await (const event of edits) events.push(event)
  expect(events.map(({ type }) => type)).toEqual(['image_edit.partial_image', 'image_edit.completed'])
  expect(callsFor(pictor.upstream, 'gpt-image-1-edit')[0]?.body).toMatchObject({ stream: 'true' })
})

test('the demo painter streams previews', async () => {
  const events = await stream({ model: 'demo', size: '256x256', partial_images: 2, seed: 1 })
  expect(events.map(({ type }) => type)).toEqual([
    'image_generation.partial_image',
    'image_generation.partial_image',
    'image_generation.completed',
  ])
  expect((await rowOf(pictor, events.at(-1)?.image_id)).provider).toBe('demo')
})
