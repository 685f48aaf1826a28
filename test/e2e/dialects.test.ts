import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, startWithAnyModel, type TestGateway } from '../pictor.ts'
import type { BehaviourName } from '../upstreams/openai-behaviours.ts'
import { generateWith } from './ask.ts'
import { callsFor, expectPainted, rowOf, sha256Of, storedBytes } from './evidence.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel()
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

const generate = (body: Record<string, unknown>, openai = pictor.openai) => generateWith(openai, body)

describe('whatever form an upstream answers in, its very bytes are kept', () => {
  const forms: Partial<Record<BehaviourName, 'png' | 'jpeg'>> = {
    b64: 'png',
    url: 'png',
    'url-wrong-mime': 'png',
    'url-needs-key': 'png',
    'data-url': 'png',
    'b64-data-prefix': 'png',
    'both-b64-and-url': 'png',
    'wrong-mime': 'jpeg',
    xai: 'jpeg',
    'chat-body': 'png',
    'json-asked-sse-answered': 'png',
    'sse-done': 'png',
    gzip: 'png',
    br: 'png',
  }
  for (const [name, format] of Object.entries(forms)) {
    test(name, async () => {
      const model = `image-${name}`
      pictor.upstream.behave(model, name as BehaviourName)
      const { data } = await generate({ model, prompt: 'a cat', size: '90x60', response_format: 'url' })

      expect(data).toHaveLength(1)
      const bytes = await storedBytes(pictor, data[0]?.image_id)
      await expectPainted(bytes, { width: 90, height: 60, format })
      expect(await rowOf(pictor, data[0]?.image_id)).toMatchObject({
        width: 90,
        height: 60,
        bytes: bytes.length,
        mime: `image/${format}`,
        provider: 'openai',
        model,
        prompt: 'a cat',
      })
      const served = await fetch(data[0]?.url ?? '')
      expect(served.headers.get('content-type')).toBe(`image/${format}`)
      expect(sha256Of(await served.bytes())).toBe(sha256Of(bytes))
      expect(callsFor(pictor.upstream, model)).toHaveLength(1)
    })
  }

  test('a large picture, slowly', async () => {
    const model = 'image-large'
    pictor.upstream.behave(model, { name: 'b64', bytes: 3_000_000, over: 200 })
    const { data } = await generate({ model, prompt: 'a cat', size: '64x64' })
    const bytes = await storedBytes(pictor, data[0]?.image_id)
    await expectPainted(bytes, { width: 64, height: 64, format: 'png', bytes: 3_000_000 })
  })

  test('a link to another address is not followed, unless that address may be reached', async () => {
    const model = 'image-elsewhere'
    pictor.upstream.behave(model, 'url-other-origin')
    const before = pictor.upstream.downloads.length
    const refused = generate({ model, prompt: 'a cat' })
    await expect(refused).rejects.toMatchObject({ status: 502, code: 'upstream_error' })
    expect(pictor.upstream.downloads).toHaveLength(before)
    expect(callsFor(pictor.upstream, model)).toHaveLength(1)

    await using open = await startWithAnyModel({}, { isAllowedAddress: () => true })
    open.upstream.behave(model, 'url-other-origin')
    const { data } = await generate({ model, prompt: 'a cat', size: '64x64' }, open.openai)
    await expectPainted(await storedBytes(open, data[0]?.image_id), {
      width: 64,
      height: 64,
      format: 'png',
    })
    expect(open.upstream.downloads).toEqual([undefined])
  })

  test('the key goes to a link of the upstream only when that asks for it', async () => {
    const model = 'image-with-key'
    const before = pictor.upstream.downloads.length
    pictor.upstream.behave(model, 'url-needs-key')
    await generate({ model, prompt: 'a cat' })
    expect(pictor.upstream.downloads.slice(before)).toEqual([undefined, 'Bearer upstream-secret'])
  })

  test('what the upstream says of its picture is passed on', async () => {
    const reply = await generate({ model: 'gpt-image-1.5', prompt: 'a cat', quality: 'high' })
    expect(Math.abs(reply.created - Date.now() / 1000)).toBeLessThan(600)
    expect(reply).toMatchObject({
      background: 'opaque',
      output_format: 'png',
      quality: 'high',
      size: '1024x1024',
      usage: { total_tokens: 1066, input_tokens: 10, output_tokens: 1056 },
    })
  })

  test('a revised prompt is passed on and kept', async () => {
    pictor.upstream.behave('image-revised', 'url')
    const { data } = await generate({ model: 'image-revised', prompt: 'a cat' })
    expect(data[0]?.revised_prompt).toBe('A detailed a cat')
    expect((await rowOf(pictor, data[0]?.image_id)).revised_prompt).toBe('A detailed a cat')
  })
})

describe('a chat model that draws is asked over the chat API', () => {
  const names = [
    'chat-images',
    'chat-markdown',
    'chat-parts',
    'chat-blocks',
    'chat-link',
    'chat-data',
  ] as const
  for (const name of names) {
    test(name, async () => {
      const model = `gemini-image-${name}`
      pictor.upstream.behave(model, { name, side: 64, after: 'Do you like it?' })
      const { data } = await generate({ model, prompt: 'a cat', n: 2, response_format: 'url' })
      expect(data).toHaveLength(2)
      for (const { image_id } of data)
        await expectPainted(await storedBytes(pictor, image_id), { width: 64, height: 64, format: 'png' })
      const calls = callsFor(pictor.upstream, model)
      expect(calls.map(({ path }) => path)).toEqual(['/v1/chat/completions', '/v1/chat/completions'])
    })
  }

  test('and sees the pictures that it is to edit', async () => {
    const model = 'nano-banana'
    const { data } = await generate({ model, prompt: 'a cat', response_format: 'url' })
    const response = await pictor.fetch(
      '/v1/images/edits',
      json({ model, prompt: 'make it white', image: data[0]?.url }),
    )
    expect(response.status).toBe(200)
    const first = await storedBytes(pictor, data[0]?.image_id)
    expect(callsFor(pictor.upstream, model)[1]?.pictures).toMatchObject([{ sha256: sha256Of(first) }])
  })

  test('what it says instead of drawing reaches the client', async () => {
    const model = 'gemini-image-refusal'
    pictor.upstream.behave(model, 'chat-refusal')
    await expect(generate({ model, prompt: 'a cat' })).rejects.toMatchObject({
      status: 502,
      code: 'no_image',
      message: expect.stringContaining('I cannot draw that.'),
    })
  })
})
