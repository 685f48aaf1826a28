import { request } from 'node:http'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startWithAnyModel, type TestGateway } from '../pictor.ts'
import type { PictureFormat } from '../upstreams/pictures.ts'
import { generateWith } from './ask.ts'
import { eventually, rowOf, sha256Of, storedBytes } from './evidence.ts'

interface Stored {
  id: string
  url: string
  bytes: Buffer
}

let pictor: TestGateway
let png: Stored
beforeAll(async () => {
  pictor = await startWithAnyModel()
  png = await draw('png')
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

/** A stored picture of 1600 × 800. */
async function draw(format: PictureFormat, bytes?: number): Promise<Stored> {
  const model = `image-${format}-${bytes}`
  pictor.upstream.behave(model, { name: 'b64', ...(bytes ? { bytes } : {}) })
  const { data } = await generateWith(pictor.openai, {
    model,
    prompt: 'a cat',
    size: '1600x800',
    output_format: format,
    response_format: 'url',
  })
  const { image_id: id = '', url = '' } = data[0] ?? {}
  return { id, url, bytes: await storedBytes(pictor, id) }
}

const get = (headers: Record<string, string> = {}, path = '', method = 'GET') =>
  fetch(`${png.url}${path}`, { method, headers })

/** Without a client that decodes, follows or leaves out. */
function raw(method: string, path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number | undefined; headers: NodeJS.Dict<string | string[]>; body: Buffer }>(
    (resolve, reject) => {
      const asked = request(`${pictor.url}${path}`, { method, headers, agent: false }, async (reply) => {
        const chunks: Uint8Array[] = []
        for await (const chunk of reply) chunks.push(chunk)
        resolve({ status: reply.statusCode, headers: reply.headers, body: Buffer.concat(chunks) })
      })
      asked.on('error', reject).end()
    },
  )
}

describe('GET /images/{id}', () => {
  test('needs no key and says all that a cache and a chat client want to know', async () => {
    const response = await get()
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(png.bytes.length),
      'cache-control': 'public, max-age=31536000, immutable',
      etag: `"${sha256Of(png.bytes)}"`,
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      'content-disposition': `inline; filename="${png.id}.png"`,
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
    })
    expect(response.headers.get('x-request-id')).toBeTruthy()
    expect(response.headers.has('set-cookie')).toBe(false)
    expect(sha256Of(await response.bytes())).toBe(sha256Of(png.bytes))
  })

  test('has the type of the bytes', async () => {
    for (const format of ['jpeg', 'webp'] as const) {
      const { url, bytes, id } = await draw(format)
      const response = await fetch(url)
      expect(response.headers.get('content-type')).toBe(`image/${format}`)
      const name = `${id}.${format === 'jpeg' ? 'jpg' : 'webp'}`
      expect(response.headers.get('content-disposition')).toBe(`inline; filename="${name}"`)
      expect(sha256Of(await response.bytes())).toBe(sha256Of(bytes))
    }
  })

  test('a large one, which is not kept in memory', async () => {
    const { url, bytes } = await draw('png', 6_000_000)
    expect(bytes.length).toBeGreaterThanOrEqual(6_000_000)
    for (let repetition = 0; repetition < 2; repetition += 1) {
      expect(sha256Of(await (await fetch(url)).bytes())).toBe(sha256Of(bytes))
    }
    const part = await fetch(url, { headers: { range: 'bytes=5000000-5999999' } })
    expect(sha256Of(await part.bytes())).toBe(sha256Of(bytes.subarray(5_000_000, 6_000_000)))
  })

  test('may bear a file ending', async () => {
    for (const ending of ['.png', '.webp', '.jpeg']) {
      const response = await fetch(`${pictor.url}/images/${png.id}${ending}`)
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe('image/png')
    }
  })

  test('in another format', async () => {
    for (const format of ['webp', 'jpeg', 'png'] as const) {
      const response = await get({}, `?format=${format}`)
      expect(response.headers.get('content-type')).toBe(`image/${format}`)
      const bytes = await response.bytes()
      expect(response.headers.get('content-length')).toBe(String(bytes.length))
      expect(await sharp(bytes).metadata()).toMatchObject({ format, width: 1600, height: 800 })
      expect(response.headers.get('etag')).toBe(
        `"${sha256Of(png.bytes)}${format === 'png' ? '' : `-${format}`}"`,
      )
    }
    expect((await get({}, '?format=gif')).status).toBe(400)
  })
})

test('HEAD says the same without a body', async () => {
  for (const path of ['', '/thumbnail']) {
    const head = await raw('HEAD', `/images/${png.id}${path}`)
    const full = await raw('GET', `/images/${png.id}${path}`)
    expect(head.status).toBe(200)
    expect(head.body).toHaveLength(0)
    for (const name of ['etag', 'content-type', 'content-length', 'cache-control', 'accept-ranges']) {
      expect(head.headers[name], name).toBe(full.headers[name])
    }
  }
})

describe('a conditional request', () => {
  test('is 304 for a known ETag', async () => {
    const etag = `"${sha256Of(png.bytes)}"`
    for (const condition of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const response = await raw('GET', `/images/${png.id}`, { 'if-none-match': condition })
      expect(response.status, condition).toBe(304)
      expect(response.body).toHaveLength(0)
      expect(response.headers.etag).toBe(etag)
      expect(response.headers['cache-control']).toContain('immutable')
    }
    expect((await raw('HEAD', `/images/${png.id}`, { 'if-none-match': etag })).status).toBe(304)
  })

  test('is 200 for another one', async () => {
    expect((await get({ 'if-none-match': '"other"' })).status).toBe(200)
    const thumbnail = await get({ 'if-none-match': `"${sha256Of(png.bytes)}"` }, '/thumbnail')
    expect(thumbnail.status).toBe(200)
  })
})

describe('a range', () => {
  const ranges = { 'bytes=0-0': [0, 1], 'bytes=100-199': [100, 200], 'bytes=100-': [100], 'bytes=-50': [-50] }
  for (const [range, [start, end]] of Object.entries(ranges)) {
    test(`${range} is 206`, async () => {
      const response = await get({ range })
      expect(response.status).toBe(206)
      const expected = png.bytes.subarray(start, end)
      const first = png.bytes.length - png.bytes.subarray(start).length
      expect(response.headers.get('content-range')).toBe(
        `bytes ${first}-${first + expected.length - 1}/${png.bytes.length}`,
      )
      expect(response.headers.get('content-length')).toBe(String(expected.length))
      expect(Buffer.from(await response.bytes()).equals(expected)).toBe(true)
    })
  }

  test('that reaches over the end is cut', async () => {
    const { length } = png.bytes
    const response = await get({ range: `bytes=${length - 10}-${length + 10}` })
    expect(response.status).toBe(206)
    expect((await response.bytes()).length).toBe(10)
    expect((await (await get({ range: `bytes=-${length + 10}` })).bytes()).length).toBe(length)
  })

  test('that begins behind the end is 416', async () => {
    for (const range of [`bytes=${png.bytes.length}-`, 'bytes=-0']) {
      const response = await get({ range })
      expect(response.status, range).toBe(416)
      expect(response.headers.get('content-range')).toBe(`bytes */${png.bytes.length}`)
      expect((await response.bytes()).length).toBe(0)
    }
  })

  test('that makes no sense, or several, is the whole', async () => {
    for (const range of ['bytes=a-b', 'lines=1-2', 'bytes=-', 'bytes=0-1,5-6']) {
      const response = await get({ range })
      expect(response.status, range).toBe(200)
    }
  })

  test('holds only while If-Range is right', async () => {
    const etag = `"${sha256Of(png.bytes)}"`
    expect((await get({ range: 'bytes=0-9', 'if-range': etag })).status).toBe(206)
    const changed = await get({ range: 'bytes=0-9', 'if-range': '"other"' })
    expect([changed.status, (await changed.bytes()).length]).toEqual([200, png.bytes.length])
    expect((await get({ range: 'bytes=0-9', 'if-range': `W/${etag}` })).status).toBe(200)
  })
})

describe('a thumbnail', () => {
  test('is webp of the asked size, and has an ETag of its own', async () => {
    for (const [query, size] of [
      ['', 320],
      ['?size=320', 320],
      ['?size=1280', 1280],
    ] as const) {
      const response = await get({}, `/thumbnail${query}`)
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe('image/webp')
      expect(response.headers.get('etag')).toBe(`"${sha256Of(png.bytes)}-${size}"`)
      expect(await sharp(await response.bytes()).metadata()).toMatchObject({
        format: 'webp',
        width: size,
        height: size / 2,
      })
    }
  })

  test('of another size is refused', async () => {
    const response = await get({}, '/thumbnail?size=500')
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      code: 400,
      message: expect.stringContaining('size'),
      param: 'size',
    })
  })

  test('of a small picture is not larger than it', async () => {
    const { data } = await generateWith(pictor.openai, {
      model: 'image-small',
      prompt: 'a cat',
      size: '64x48',
    })
    const response = await fetch(`${data[0]?.url}/thumbnail`)
    expect(await sharp(await response.bytes()).metadata()).toMatchObject({ width: 64, height: 48 })
  })

  test('is made in the background with both hashes', async () => {
    const { sha256 } = await rowOf(pictor, png.id)
    const blob = await eventually(async () => {
      const { query } = pictor.app.parts.gateway.database
      const row = await query.selectFrom('blob').selectAll().where('sha256', '=', sha256).executeTakeFirst()
      return row?.derived_at ? row : undefined
    })
    expect(blob.phash).toMatch(/^[0-9a-f]{16}$/)
    expect(Buffer.from(blob.thumbhash ?? '', 'base64').length).toBeGreaterThan(5)
  })
})

describe('what there is not', () => {
  test('is 404, without a placeholder', async () => {
    const unknown = '01999999-9999-7999-8999-999999999999'
    for (const name of [
      unknown,
      'x',
      '..%2f..%2fpictor.sqlite',
      `${png.id}x`,

      `${png.id}%00`,
    ]) {
      for (const path of ['', '/thumbnail']) {
        const { status, headers, body } = await raw('GET', `/images/${name}${path}`)
        expect([status, headers['content-type']], name).toEqual([404, 'application/json; charset=utf-8'])
        expect(JSON.parse(body.toString())).toEqual({ code: 404, message: '图片不存在' })
        expect(headers['cache-control'] ?? '').not.toContain('immutable')
      }
    }
    const english = await raw('GET', `/images/${unknown}`, { 'accept-language': 'en-GB' })
    expect(JSON.parse(english.body.toString()).message).toBe('There is no image with this id.')
  })

  test('is what was deleted', async () => {
    const { id, url } = await draw('jpeg', 1)
    const { query } = pictor.app.parts.gateway.database
    await query.updateTable('image').set({ deleted_at: 1 }).where('id', '=', id).execute()
    expect((await fetch(url)).status).toBe(404)
  })
})

test('serving writes nothing', async () => {
  const { query } = pictor.app.parts.gateway.database
  const fingerprint = async () =>
    JSON.stringify([
      await query.selectFrom('image').selectAll().orderBy('id').execute(),
      await query.selectFrom('task').selectAll().orderBy('id').execute(),
      await query.selectFrom('blob').select(['sha256', 'reference_count']).orderBy('sha256').execute(),
    ])
  const before = await fingerprint()
  for (const path of ['', '/thumbnail', '?format=webp']) await (await get({}, path)).bytes()
  expect(await fingerprint()).toBe(before)
})
