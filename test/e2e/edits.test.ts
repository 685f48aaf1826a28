import { toFile } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, startPictor, startWithAnyModel, type TestGateway } from '../pictor.ts'
import { type PictureFormat, paint, whole } from '../upstreams/pictures.ts'
import { generateWith, type ImagesReply } from './ask.ts'
import { callsFor, expectPainted, idOf, rowOf, sha256Of, storedBytes } from './evidence.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel()
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

const picture = async (mark: string, format: PictureFormat = 'png', bytes?: number) =>
  whole(await paint({ width: 64, height: 48, format, mark, bytes }))
const upload = async (mark: string, format: PictureFormat = 'png') =>
  toFile(await picture(mark, format), `${mark}.${format}`, { type: `image/${format}` })

/** The pictures that the upstream got for a model, whatever form they came in. */
function receivedBy(model: string) {
  const [call] = callsFor(pictor.upstream, model)
  return (call?.files ?? []).map(({ field, type, bytes }) => ({ field, type, sha256: sha256Of(bytes) }))
}

const edit = (body: unknown, headers?: Record<string, string>) =>
  pictor.fetch('/v1/images/edits', json(body, headers))

describe('multipart', () => {
  test('one picture goes up as `image`, with every field in its type', async () => {
    const model = 'gpt-image-1-one'
    const reply = await pictor.openai.images.edit({
      model,
      prompt: 'make it snow',
      image: await upload('one'),
      n: 2,
      size: '1536x1024',
      quality: 'low',
      input_fidelity: 'high',
      output_compression: 80,
      output_format: 'png',
    })
    expect(reply.data).toHaveLength(2)
    expect(reply.data?.[0]?.b64_json).toBeDefined()
    const [call] = callsFor(pictor.upstream, model)
    expect(call?.path).toBe('/v1/images/edits')
    expect(call?.body).toEqual({
      model,
      prompt: 'make it snow',
      n: '2',
      size: '1536x1024',
      quality: 'low',
      input_fidelity: 'high',
      output_compression: '80',
      output_format: 'png',
    })
    expect(receivedBy(model)).toEqual([
      { field: 'image', type: 'image/png', sha256: sha256Of(await picture('one')) },
    ])
    const { image_id } = (reply as ImagesReply).data[0] ?? {}
    await expectPainted(await storedBytes(pictor, image_id), { width: 1536, height: 1024, format: 'png' })
  })

  test('several pictures and a mask keep their order', async () => {
    const model = 'gpt-image-1-several'
    const marks = ['first', 'second', 'third']
    const formats = ['png', 'jpeg', 'webp'] as const
    await pictor.openai.images.edit({
      model,
      prompt: 'put them together',
      image: await Promise.all(marks.map((mark, index) => upload(mark, formats[index]))),
      mask: await upload('mask'),
    })
    const expected = await Promise.all(
      marks.map(async (mark, index) => ({
        field: 'image[]',
        type: `image/${formats[index]}`,
        sha256: sha256Of(await picture(mark, formats[index])),
      })),
    )
    const mask = { field: 'mask', type: 'image/png', sha256: sha256Of(await picture('mask')) }
    expect(receivedBy(model)).toEqual([...expected, mask])
  })

  test('the field may be `image` several times, and a wrong type or name of a file does not matter', async () => {
    const form = new FormData()
    form.set('model', 'image-repeated')
    form.set('prompt', 'a cat')
    for (const mark of ['left', 'right']) {
      const bytes = new Uint8Array(await picture(mark, 'jpeg'))
      form.append('image', new Blob([bytes], { type: 'image/png' }), 'random-name')
    }
    form.set('unheard_of', 'passes through')
    const response = await pictor.fetch('/v1/images/edits', { method: 'POST', body: form })
    expect(response.status).toBe(200)
    expect(receivedBy('image-repeated').map(({ type }) => type)).toEqual(['image/jpeg', 'image/jpeg'])
    expect(callsFor(pictor.upstream, 'image-repeated')[0]?.body).toMatchObject({
      unheard_of: 'passes through',
    })
  })

  test('a mask that the model does not take is named', async () => {
    const reply = (await pictor.openai.images.edit({
      model: 'grok-imagine-image',
      prompt: 'a cat',
      image: await upload('one'),
      mask: await upload('mask'),
      size: '1024x1024',
    })) as ImagesReply
    expect(reply.warnings?.map(({ param }) => param)).toEqual(['mask'])
  })

  test('an upstream that wants JSON instead gets it', async () => {
    const model = 'grok-imagine-image-json'
    const reply = await pictor.openai.images.edit({ model, prompt: 'a cat', image: await upload('one') })
    expect(reply.data).toHaveLength(1)
    const calls = callsFor(pictor.upstream, model)
    expect(calls).toHaveLength(2)
    const url = `data:image/png;base64,${(await picture('one')).toString('base64')}`
    expect(calls[1]?.body.image).toMatchObject({ url })
  })
})

describe('JSON', () => {
  /** Each way to write a picture, and the bytes that must come out of it. */
  const forms: Record<string, () => Promise<{ fields: Record<string, unknown>; bytes: Uint8Array[] }>> = {
    'images[].image_url as data URL': async () => {
      const bytes = [await picture('a'), await picture('b', 'webp')]
      const urls = [
        `data:image/png;base64,${bytes[0]?.toString('base64')}`,
        `data:image/webp;base64,${bytes[1]?.toString('base64')}`,
      ]
      return { fields: { images: urls.map((image_url) => ({ image_url })) }, bytes }
    },
    'images[].image_url as an object': async () => {
      const bytes = await picture('object')
      const url = `data:image/png;base64,${bytes.toString('base64')}`
      return { fields: { images: [{ type: 'image_url', image_url: { url } }] }, bytes: [bytes] }
    },
    'image as bare base64, short': async () => {
      const bytes = await picture('short', 'jpeg')
      return { fields: { image: bytes.toString('base64') }, bytes: [bytes] }
    },
    'image as bare base64, long': async () => {
      const bytes = await picture('long', 'png', 400_000)
      return { fields: { image: bytes.toString('base64') }, bytes: [bytes] }
    },
    'image as {url} with a data URL of a wrong type': async () => {
      const bytes = await picture('wrong type', 'jpeg', 0)
      return {
        fields: { image: { url: `data:image/png;base64,${bytes.toString('base64')}` } },
        bytes: [bytes],
      }
    },
    'image as a list of both kinds': async () => {
      const bytes = [await picture('kind 1'), await picture('kind 2', 'png', 100_000)]
      return {
        fields: { image: [bytes[0]?.toString('base64'), { image_url: bytes[1]?.toString('base64') }] },
        bytes,
      }
    },
    'our own image URL, and with a file ending under another host': async () => {
      const drawn = await generateWith(pictor.openai, {
        model: 'image-own',
        prompt: 'a cat',
        size: '64x64',
        n: 2,
      })
      const [first, second] = drawn.data
      const bytes = await Promise.all([first, second].map((item) => storedBytes(pictor, item?.image_id)))
      const other = `https://pictor.example/prefix/images/${second?.image_id}.png?format=webp`
      return { fields: { images: [{ image_url: first?.url }, { image_url: other }] }, bytes }
    },
  }
  for (const [name, make] of Object.entries(forms)) {
    test(name, async () => {
      const { fields, bytes } = await make()
      const model = `image-${name.replaceAll(' ', '-')}`
      const response = await edit({ model, prompt: 'make it snow', ...fields })
      expect(response.status).toBe(200)
      const { data } = (await response.json()) as ImagesReply
      expect(receivedBy(model).map(({ sha256 }) => sha256)).toEqual(bytes.map(sha256Of))
      expect(await rowOf(pictor, data[0]?.image_id)).toMatchObject({ model, prompt: 'make it snow' })
    })
  }

  test('a mask', async () => {
    const mask = await picture('mask')
    const model = 'image-json-mask'
    await edit({
      model,
      prompt: 'a cat',
      image: (await picture('a')).toString('base64'),
      mask: { image_url: `data:image/png;base64,${mask.toString('base64')}` },
    })
    expect(receivedBy(model).at(-1)).toEqual({ field: 'mask', type: 'image/png', sha256: sha256Of(mask) })
  })

  test("another site's picture is fetched only when that is allowed", async () => {
    const fields = { model: 'image-abroad', prompt: 'a cat' }
    const refused = await edit({ ...fields, image: 'https://pictures.example/cat.png' })
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({
      error: { code: 'external_image_disabled', param: 'image', type: 'invalid_request_error' },
    })

    await using guarded = await startWithAnyModel({ ALLOW_EXTERNAL_IMAGES: 'yes' })
    const blocked = await guarded.fetch(
      '/v1/images/edits',
      json({ ...fields, images: [{ image_url: `${guarded.upstream.origin}/files/x.png` }] }),
    )
    expect(blocked.status).toBe(400)
    expect(await blocked.json()).toMatchObject({ error: { code: 'blocked_address', param: 'images[0]' } })

    await using open = await startWithAnyModel(
      { ALLOW_EXTERNAL_IMAGES: 'yes' },
      { isAllowedAddress: () => true },
    )
    open.upstream.behave('image-published', 'url')
    await generateWith(open.openai, { model: 'image-published', prompt: 'a cat', size: '64x64' })
    const response = await open.fetch(
      '/v1/images/edits',
      json({ ...fields, image: `${open.upstream.origin}/files/0.png` }),
    )
    expect(response.status).toBe(200)
    const [sent] = callsFor(open.upstream, 'image-abroad')[0]?.files ?? []
    await expectPainted(sent?.bytes ?? Buffer.alloc(0), { width: 64, height: 64, format: 'png' })
  })

  test('a file_id is refused by name', async () => {
    const response = await edit({ model: 'image-x', prompt: 'a cat', images: [{ file_id: 'file-1' }] })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param: 'images[0].file_id' } })
  })
})

describe('variations', () => {
  test('of a model that has them', async () => {
    const reply = await pictor.openai.images.createVariation({
      model: 'dall-e-2',
      image: await upload('varied'),
      n: 2,
      size: '512x512',
      response_format: 'b64_json',
    })
    expect(reply.data).toHaveLength(2)
    const [call] = callsFor(pictor.upstream, 'dall-e-2')
    expect(call?.path).toBe('/v1/images/variations')
    expect(call?.body).not.toHaveProperty('prompt')
    expect(receivedBy('dall-e-2')[0]?.sha256).toBe(sha256Of(await picture('varied')))
  })

  test('of another one are edits, and that is said', async () => {
    const reply = (await pictor.openai.images.createVariation({
      model: 'gpt-image-1-varied',
      image: await upload('varied'),
    })) as ImagesReply
    expect(reply.warnings).toHaveLength(1)
    const [call] = callsFor(pictor.upstream, 'gpt-image-1-varied')
    expect(call?.path).toBe('/v1/images/edits')
    expect(call?.body.prompt).toMatch(/variation/)
  })
})

test('the demo painter edits too', async () => {
  await using alone = await startPictor()
  const reply = await alone.openai.images.edit({
    model: 'demo',
    prompt: 'make it snow',
    image: await upload('demo'),
    size: '256x256',
  })
  expect(await rowOf(alone, idOf(reply.data?.[0]?.url))).toMatchObject({
    provider: 'demo',
    width: 256,
    height: 256,
  })
})

test('what was sent is kept with its task, and a picture sent twice is kept once', async () => {
  const image = (await picture('kept')).toString('base64')
  for (const prompt of ['one', 'two']) await edit({ model: 'image-kept', prompt, image })
  const { query } = pictor.app.parts.gateway.database
  const sha256 = sha256Of(await picture('kept'))
  const blob = await query.selectFrom('blob').selectAll().where('sha256', '=', sha256).executeTakeFirst()
  expect(blob).toMatchObject({ reference_count: 2, width: 64, height: 48 })
  const inputs = await query.selectFrom('task_input').selectAll().where('sha256', '=', sha256).execute()
  expect(inputs).toHaveLength(2)
})
