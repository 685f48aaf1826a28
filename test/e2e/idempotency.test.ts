import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, startPictor, startWithAnyModel, type TestGateway, type TestPictor } from '../pictor.ts'
import { startFakeOpenAi } from '../upstreams/openai.ts'
import { paint, whole } from '../upstreams/pictures.ts'
import type { ImagesReply } from './ask.ts'
import { callsFor, eventually, expectPainted, rowsOfModel, storedBytes } from './evidence.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel()
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

const post = (body: unknown, key: string, { fetch }: TestPictor = pictor, route = 'generations') =>
  fetch(`/v1/images/${route}`, json(body, { 'idempotency-key': key }))

/** The same server, asked with another key. */
const withKey = (server: TestPictor, key: string): TestPictor => ({
  ...server,
  fetch: (path, init = {}) =>
    fetch(`${server.url}${path}`, { ...init, headers: { ...init.headers, authorization: `Bearer ${key}` } }),
})

describe('with an Idempotency-Key', () => {
  test('the same request again gets the same answer without another call', async () => {
    const body = { model: 'dall-e-3-again', prompt: 'a cat', n: 2, seed: 1 }
    const answers = []
    for (let repetition = 0; repetition < 3; repetition += 1) answers.push(await post(body, 'again'))
    const [first, ...others] = await Promise.all(answers.map((answer) => answer.json()))
    expect(first).toMatchObject({ data: [{ url: expect.any(String) }, {}], warnings: [{ param: 'seed' }] })
    for (const other of others) expect(other).toEqual(first)
    expect(callsFor(pictor.upstream, 'dall-e-3-again')).toHaveLength(2)
  })

  test('the same request at the same time joins the first one', async () => {
    const body = { model: 'image-joined', prompt: 'a cat', size: '64x64' }
    pictor.upstream.behave('image-joined', { name: 'b64', delay: 200 })
    const answers = await Promise.all(Array.from({ length: 6 }, () => post(body, 'joined')))
    const texts = new Set(await Promise.all(answers.map((answer) => answer.text())))
    expect(texts.size).toBe(1)
    expect([...texts][0]).toContain('image_id')
    expect(callsFor(pictor.upstream, 'image-joined')).toHaveLength(1)
  })

  test('the same edit at the same time does too, while its picture is being kept', async () => {
    const picture = whole(
      await paint({ width: 64, height: 64, format: 'png', mark: 'input', bytes: 100_000 }),
    )
    const body = { model: 'image-edit-joined', prompt: 'a cat', image: picture.toString('base64') }
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => post(body, 'edit-joined', pictor, 'edits')),
    )
    const texts = new Set(await Promise.all(answers.map((answer) => answer.text())))
    expect(texts.size).toBe(1)
    expect([...texts][0]).toContain('image_id')
    expect(callsFor(pictor.upstream, 'image-edit-joined')).toHaveLength(1)
  })

  test('another request is refused', async () => {
    const body = { model: 'image-other', prompt: 'a cat', size: '64x64' }
    expect((await post(body, 'other')).status).toBe(200)
    for (const other of [
      { ...body, prompt: 'a dog' },
      { ...body, n: 2 },
      { ...body, unheard_of: 1 },
    ]) {
      const refused = await post(other, 'other')
      expect([refused.status, refused.statusText]).toEqual([409, 'Idempotency key reused'])
      expect(await refused.json()).toMatchObject({ error: { code: 'idempotency_key_reused' } })
    }
    expect(callsFor(pictor.upstream, 'image-other')).toHaveLength(1)
  })

  test('the pictures of an edit count too', async () => {
    const picture = async (mark: string) =>
      whole(await paint({ width: 64, height: 64, format: 'png', mark })).toString('base64')
    const body = { model: 'image-edited', prompt: 'a cat', image: await picture('one') }
    const first = await (await post(body, 'edit', pictor, 'edits')).json()
    expect(await (await post(body, 'edit', pictor, 'edits')).json()).toEqual(first)
    const other = await post({ ...body, image: await picture('two') }, 'edit', pictor, 'edits')
    expect(other.status).toBe(409)
    expect(callsFor(pictor.upstream, 'image-edited')).toHaveLength(1)
  })

  test('a stream is answered again, its picture being there at once', async () => {
    const body = { model: 'gpt-image-1-replay', prompt: 'a cat', stream: true, partial_images: 1 }
    const ids = []
    for (let repetition = 0; repetition < 2; repetition += 1) {
      const text = await (await post(body, 'replay')).text()
      expect(text).toContain('event: image_generation.completed')
      expect(text).toContain('"total_tokens":100')
      ids.push(/"image_id":"([^"]+)"/.exec(text)?.[1])
    }
    expect(ids[0]).toBeDefined()
    expect(ids[1]).toBe(ids[0])
    expect(callsFor(pictor.upstream, 'gpt-image-1-replay')).toHaveLength(1)
  })

  test('a failure is the answer too', async () => {
    pictor.upstream.behave('image-refused', 'moderation-400')
    const body = { model: 'image-refused', prompt: 'a cat' }
    const [first, second] = [await post(body, 'refused'), await post(body, 'refused')]
    expect([first.status, second.status]).toEqual([400, 400])
    expect(await second.json()).toEqual(await first.json())
    expect(callsFor(pictor.upstream, 'image-refused')).toHaveLength(1)
  })

  test('an outage is not: nothing was paid, so the same key may try again', async () => {
    pictor.upstream.behave('image-outage', ['500', 'b64'])
    const body = { model: 'image-outage', prompt: 'a cat', size: '64x64' }
    const first = await post(body, 'outage')
    const second = await post(body, 'outage')
    expect([first.status, second.status]).toEqual([502, 200])
    expect(await (await post(body, 'outage')).json()).toEqual(await second.json())
  })

  test("another caller's key of that name is another one", async () => {
    const body = { model: 'image-callers', prompt: 'a cat', size: '64x64' }
    const { secret } = await pictor.app.parts.keys.create({ name: 'another' })
    await post(body, 'callers')
    await post({ ...body, prompt: 'a dog' }, 'callers', withKey(pictor, secret))
    expect(callsFor(pictor.upstream, 'image-callers')).toHaveLength(2)
  })

  test('who went away finds the picture by asking again', async () => {
    pictor.upstream.behave('image-gone', { name: 'b64', delay: 300 })
    const body = { model: 'image-gone', prompt: 'a cat', size: '64x64' }
    const leaving = new AbortController()
    const init = { ...json(body, { 'idempotency-key': 'gone' }), signal: leaving.signal }
    const first = pictor.fetch('/v1/images/generations', init)
    await eventually(() => (callsFor(pictor.upstream, 'image-gone').length > 0 ? true : undefined))
    leaving.abort()
    await expect(first).rejects.toThrow()
    const { data } = (await (await post(body, 'gone')).json()) as ImagesReply
    expect(data).toHaveLength(1)
    const [call, ...others] = callsFor(pictor.upstream, 'image-gone')
    expect(others).toEqual([])
    expect(await call?.finished).toBe('complete')
  })

  test('a restart does not change the answer', async () => {
    const upstream = await startFakeOpenAi()
    upstream.models = undefined
    const directory = await mkdtemp(join(tmpdir(), 'pictor-'))
    const env = { DATA_DIR: directory, OPENAI_BASE_URL: upstream.url, PUBLIC_URL: 'http://pictor.example' }
    const body = { model: 'image-restart', prompt: 'a cat', size: '64x64' }
    const before = await startPictor(env)
    const first = await (await post(body, 'restart', before)).json()
    await before[Symbol.asyncDispose]()

    const after = await startPictor(env)
    const caller = withKey(after, before.key)
    expect(await (await post(body, 'restart', caller)).json()).toEqual(first)
    expect((await post({ ...body, n: 2 }, 'restart', caller)).status).toBe(409)
    expect(callsFor(upstream, 'image-restart')).toHaveLength(1)
    await upstream.close()
    await after[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  })
})

test('nothing is left in the spool', async () => {
  await eventually(async () => {
    const entries = await readdir(join(pictor.dataDirectory, 'spool'), { recursive: true })
    return entries.some((entry) => entry.includes('/')) ? undefined : true
  })
  expect(await rowsOfModel(pictor, 'image-joined')).toHaveLength(1)
  const [row] = await rowsOfModel(pictor, 'image-gone')
  await expectPainted(await storedBytes(pictor, row?.id), { width: 64, height: 64, format: 'png' })
})
