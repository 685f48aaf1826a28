import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { editPrompt } from '../../src/gateway/edit-prompt.ts'
import { json, startPictor, startWithAnyModel, type TestGateway, type TestPictor } from '../pictor.ts'
import { translationOf } from '../upstreams/openai-chat-translate.ts'
import { paint, whole } from '../upstreams/pictures.ts'
import type { ImagesReply } from './ask.ts'
import { callsFor, rowOf, rowsOfModel, sha256Of, storedBytes } from './evidence.ts'
import { ended, submit } from './job.ts'

let pictor: TestGateway
let photo: Buffer
let mask: Buffer
beforeAll(async () => {
  pictor = await startWithAnyModel()
  photo = whole(await paint({ width: 64, height: 48, format: 'png', mark: 'photo' }))
  mask = whole(await paint({ width: 64, height: 48, format: 'png', mark: 'mask' }))
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

const form = (
  fields: Record<string, string>,
  files: Record<string, Buffer> = { image: photo },
): RequestInit => {
  const body = new FormData()
  for (const [name, value] of Object.entries(fields)) body.set(name, value)
  for (const [name, bytes] of Object.entries(files))
    body.append(name, new Blob([new Uint8Array(bytes)]), name)
  return { method: 'POST', body }
}

async function edit({ fetch }: TestPictor, init: RequestInit): Promise<ImagesReply> {
  const response = await fetch('/v1/images/edit', init)
  expect(response.status, await response.clone().text()).toBe(200)
  return (await response.json()) as ImagesReply
}

const jobOf = async ({ app }: TestPictor, id: string | undefined) => {
  const { task_id } = await rowOf({ app } as TestPictor, id)
  const row = await app.parts.gateway.database.query
    .selectFrom('task')
    .select(['job', 'total', 'completed', 'status'])
    .where('id', '=', task_id)
    .executeTakeFirstOrThrow()
  return { ...row, job: JSON.parse(row.job) }
}

describe('the modes', () => {
  test('without a mode it is a style transfer, strong; the template goes out, the wish is kept', async () => {
    const reply = await edit(pictor, form({ model: 'image-style', prompt: 'a woodcut' }))
    const sent = editPrompt({ mode: 'style_transfer', strength: 0.8 }, 'a woodcut')
    const [call] = callsFor(pictor.upstream, 'image-style')
    expect(call?.path).toBe('/v1/images/edits')
    expect(call?.body.prompt).toBe(sent)
    expect(call?.body).not.toHaveProperty('mode')
    expect(call?.body).not.toHaveProperty('strength')
    expect(call?.files.map(({ bytes }) => sha256Of(bytes))).toEqual([sha256Of(photo)])
    expect(reply.data[0]).toMatchObject({ sent_prompt: sent })
    const { image_id } = reply.data[0] ?? {}
    expect(await rowOf(pictor, image_id)).toMatchObject({ prompt: 'a woodcut', sent_prompt: sent })
    expect((await jobOf(pictor, image_id)).job).toMatchObject({
      kind: 'edit',
      prompt: 'a woodcut',
      edit: { mode: 'style_transfer', strength: 0.8 },
    })
  })

  test('an inpainting takes its mask along, and a shape', async () => {
    await edit(
      pictor,
      form(
        {
          model: 'gpt-image-1-inpaint',
          prompt: 'a red door',
          mode: 'inpainting',
          strength: '0.3',
          aspect_ratio: '3:2',
        },
        { image: photo, mask },
      ),
    )
    const [call] = callsFor(pictor.upstream, 'gpt-image-1-inpaint')
    expect(call?.files.map(({ field, bytes }) => [field, sha256Of(bytes)])).toEqual([
      ['image', sha256Of(photo)],
      ['mask', sha256Of(mask)],
    ])
    expect(call?.body).toMatchObject({
      prompt: editPrompt({ mode: 'inpainting', strength: 0.3 }, 'a red door'),
      size: '1536x1024',
    })
  })

  test('JSON does as well, and a stream has the events of edits', async () => {
    const image = photo.toString('base64')
    const response = await pictor.fetch(
      '/v1/images/edit',
      json({
        model: 'image-json',
        prompt: 'a beach',
        mode: 'background_replace',
        strength: 0.1,
        image,
        stream: true,
      }),
    )
    expect(await response.text()).toContain('event: image_edit.completed')
    expect(callsFor(pictor.upstream, 'image-json')[0]?.body.prompt).toBe(
      editPrompt({ mode: 'background_replace', strength: 0.1 }, 'a beach'),
    )
  })

  test('the wish is translated, not the template', async () => {
    await using own = await startWithAnyModel({ PROMPT_TRANSLATION_ENABLED: 'yes' })
    own.upstream.behave('gpt-4o-mini', 'chat-translate')
    const reply = await edit(own, form({ model: 'image-zh', prompt: '水彩画' }))
    const sent = editPrompt({ mode: 'style_transfer', strength: 0.8 }, translationOf('水彩画'))
    expect(callsFor(own.upstream, 'image-zh')[0]?.body.prompt).toBe(sent)
    expect(await rowOf(own, reply.data[0]?.image_id)).toMatchObject({ prompt: '水彩画', sent_prompt: sent })
  })

  test('an async job of a mode ends as others do', async () => {
    const image = photo.toString('base64')
    const job = await submit(pictor, { model: 'image-async', prompt: 'a woodcut', image }, 'edit')
    expect(await ended(pictor, job)).toMatchObject({ status: 'completed' })
    expect(callsFor(pictor.upstream, 'image-async')[0]?.body.prompt).toContain('a woodcut')
  })

  test('a field `mode` of the plain edits still goes to the upstream as it is', async () => {
    await pictor.fetch('/v1/images/edits', form({ model: 'image-plain', prompt: 'a cat', mode: 'upscale' }))
    expect(callsFor(pictor.upstream, 'image-plain')[0]?.body).toMatchObject({
      prompt: 'a cat',
      mode: 'upscale',
    })
  })

  test('what a mode cannot do with, or without, is refused by name', async () => {
    const cases: [Record<string, string>, Record<string, Buffer> | undefined, string][] = [
      [{}, undefined, 'prompt'],
      [{ prompt: '', mode: 'inpainting' }, undefined, 'prompt'],
      [{ prompt: 'x', mode: 'unheard_of' }, undefined, 'mode'],
      [{ prompt: 'x', strength: '1.1' }, undefined, 'strength'],
      [{ prompt: 'x', strength: '-0.1' }, undefined, 'strength'],
      [{ prompt: 'x', strength: 'much' }, undefined, 'strength'],
      [{ prompt: 'x', aspect_ratio: '7:5' }, undefined, 'aspect_ratio'],
      [{ prompt: 'x' }, {}, 'image'],
      [{ prompt: 'x' }, { image: photo, mask }, 'mask'],
      [{ mode: 'upscale', n: '2' }, undefined, 'n'],
      [{ prompt: 'x' }, { image: Buffer.from('no picture') }, 'image'],
      [{ mode: 'upscale' }, { 'image[]': photo, image: mask }, 'image'],
      [{ mode: 'upscale' }, { image: await flat(4096, 8) }, 'image'],
    ]
    for (const [fields, files, param] of cases) {
      const response = await pictor.fetch(
        '/v1/images/edit',
        form({ model: 'image-refused', ...fields }, files),
      )
      expect([response.status, fields]).toEqual([400, fields])
      expect(await response.json()).toMatchObject({ error: { param } })
    }
    expect(callsFor(pictor.upstream, 'image-refused')).toEqual([])
  })
})

describe('an upscale', () => {
  const upscale = (own: TestPictor, model: string, more: Record<string, string> = {}, image = photo) =>
    edit(own, form({ model, mode: 'upscale', ...more }, { image }))
  const RESIZED = [{ param: 'mode', message: expect.stringContaining('Lanczos') }]

  test('asks the model for twice the size and keeps what it gives', async () => {
    const reply = await upscale(pictor, 'image-larger')
    expect(callsFor(pictor.upstream, 'image-larger')[0]?.body).toMatchObject({
      size: '128x96',
      prompt: editPrompt({ mode: 'upscale', strength: 0.8 }, ''),
    })
    expect(reply).toMatchObject({ size: '128x96' })
    expect(reply.warnings).toBeUndefined()
    expect(await rowsOfModel(pictor, 'image-larger')).toMatchObject([
      { provider: 'openai', width: 128, prompt: '' },
    ])
  })

  test('of a model that gives no larger picture is the original resized; what was paid for is kept too', async () => {
    pictor.upstream.behave('image-same', { name: 'auto', side: 48 })
    const reply = await upscale(pictor, 'image-same')
    expect(reply.data).toHaveLength(1)
    expect(reply).toMatchObject({ size: '128x96', warnings: RESIZED })
    const { image_id } = reply.data[0] ?? {}
    const made = sharp(await storedBytes(pictor, image_id)).resize(64, 48)
    expect(await difference(await made.toBuffer(), photo)).toBeLessThan(4)
    const rows = await rowsOfModel(pictor, 'image-same')
    expect(rows.map(({ width, height, position }) => [width, height, position])).toEqual([
      [128, 96, 0],
      [48, 48, 1],
    ])
    expect(await jobOf(pictor, image_id)).toMatchObject({ status: 'completed', total: 1, completed: 1 })
  })

  test('of a model that cannot edit, only writes, or has no larger size, needs no upstream', async () => {
    for (const [model, image] of [
      ['dall-e-3', photo],
      ['gpt-4o-mini', photo],
      ['gpt-image-1', await flat(1536, 1024)],
    ] as const) {
      const reply = await upscale(pictor, model, {}, image)
      expect(reply.warnings, model).toEqual(RESIZED)
      expect(callsFor(pictor.upstream, model), model).toEqual([])
      const row = await rowOf(pictor, reply.data[0]?.image_id)
      expect(row).toMatchObject({
        provider: 'resize',
        model,
        upstream_model: 'lanczos3',
        sha256: expect.any(String),
      })
      const { width = 0, height = 0 } = await sharp(image).metadata()
      expect([row.width, row.height]).toEqual([2 * width, 2 * height])
    }
  })

  test('goes on to the resizer when the upstream is out of order', async () => {
    await using own = await startWithAnyModel()
    own.upstream.behave('image-broken', '500')
    const reply = await upscale(own, 'image-broken')
    expect(reply.warnings).toEqual(RESIZED)
    expect(await rowOf(own, reply.data[0]?.image_id)).toMatchObject({ provider: 'resize', width: 128 })
  })

  test('is as large as asked, in the asked format, at most 4096 pixels', async () => {
    const asked = await upscale(pictor, 'dall-e-3', {
      size: '256x256',
      output_format: 'webp',
      response_format: 'b64_json',
    })
    const bytes = Buffer.from(asked.data[0]?.b64_json ?? '', 'base64')
    expect(await sharp(bytes).metadata()).toMatchObject({ width: 256, height: 192, format: 'webp' })
    const most = await upscale(pictor, 'dall-e-3', {}, await flat(3000, 30))
    expect(most).toMatchObject({ size: '4096x41' })
    const jpeg = await upscale(pictor, 'dall-e-3', {}, await sharp(photo).jpeg().toBuffer())
    expect(await rowOf(pictor, jpeg.data[0]?.image_id)).toMatchObject({ mime: 'image/jpeg' })
  })

  test('keeps its shape whatever ratio is asked for or usual here, and says so', async () => {
    await using own = await startWithAnyModel({ DEFAULT_ASPECT_RATIO: '16:9' })
    expect(await upscale(own, 'image-usual')).not.toHaveProperty('warnings')
    const reply = await upscale(own, 'image-ratio', { aspect_ratio: '1:1' })
    expect(reply).toMatchObject({ size: '128x96', warnings: [{ param: 'aspect_ratio' }] })
  })

  test('of a model that nobody has is not found', async () => {
    await using alone = await startPictor()
    const response = await alone.fetch('/v1/images/edit', form({ model: 'nobody', mode: 'upscale' }))
    expect(response.status).toBe(404)
    expect(await upscale(alone, 'demo')).toMatchObject({ size: '128x96' })
  })

  test('works as an async job that outlives nothing of the request', async () => {
    const image = photo.toString('base64')
    const fields = { model: 'dall-e-3', prompt: '', mode: 'upscale', image, size: 'auto' }
    const job = await ended(pictor, await submit(pictor, fields, 'edit'))
    expect(job).toMatchObject({ status: 'completed', result: { size: '128x96', warnings: RESIZED } })
  })
})

const flat = (width: number, height: number): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: '#35507a' } })
    .png()
    .toBuffer()

/** Mean difference of the channels, 0 to 255. */
async function difference(one: Buffer, other: Buffer): Promise<number> {
  const [a = Buffer.alloc(0), b] = await Promise.all(
    [one, other].map((bytes) => sharp(bytes).removeAlpha().raw().toBuffer()),
  )
  return a.reduce((sum, value, index) => sum + Math.abs(value - (b?.[index] ?? 0)), 0) / a.length
}
