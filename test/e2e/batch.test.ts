import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BatchTask } from '../../contract/batch.ts'
import { json, startWithAnyModel, type TestGateway } from '../pictor.ts'
import { paint, whole } from '../upstreams/pictures.ts'
import { anyClient, ask, begin, call, endOf, statusOf } from './batch.ts'
import { callsFor, eventually, expectPainted, rowsOfModel, storedBytes } from './evidence.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel({ WORKERS: '2', QUEUE_LIMIT: '20', TRUST_PROXY: 'loopback' })
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

const reached = (model: string, calls = 1) =>
  eventually(() => (callsFor(pictor.upstream, model).length >= calls ? true : undefined))

const failed = (task: BatchTask) => ({ status: task.status, error: task.errorMessage })

describe('a batch', () => {
  test('is accepted at once and has its pictures in the end', async () => {
    const begun = await begin(pictor, {
      model: 'image-batch',
      count: 5,
      aspectRatio: '16:9',
      imageSize: '1K',
      apiKey: '',
      options: '{"temperature":0.7,"seed":40}',
    })
    expect(begun).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      prompt: 'a cat',
      model: 'image-batch',
      totalCount: 5,
      completedCount: 0,
      status: 'processing',
      options: '{"seed":40,"temperature":0.7}',
      errorMessage: '',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      updatedAt: begun.createdAt,
      images: [],
    })
    const done = await endOf(pictor, begun)
    expect(done).toMatchObject({ status: 'completed', completedCount: 5, totalCount: 5, errorMessage: '' })
    const [image] = done.images
    expect(done.images.map(({ taskId }) => taskId)).toEqual(Array(5).fill(begun.id))
    expect(image).toMatchObject({
      filePath: `./storage/images/${image?.id}.png`,
      thumbnailPath: `./storage/thumbnails/thumb_${image?.id}.webp`,
      mimeType: 'image/png',
      url: `${pictor.url}/images/${image?.id}`,
      thumbnailUrl: `${pictor.url}/images/${image?.id}/thumbnail`,
    })
    const { width = 0, height = 0, fileSize } = image ?? {}
    expect(width / height).toBeCloseTo(16 / 9, 1)
    const bytes = await storedBytes(pictor, image?.id)
    expect(bytes).toHaveLength(fileSize ?? 0)
    await expectPainted(bytes, { width, height, format: 'png' })
  })

  test('asks for each picture by itself, with a seed of its own', async () => {
    const task = await endOf(
      pictor,
      await begin(pictor, { model: 'image-seeds', count: 3, options: '{"seed":7}' }),
    )
    const calls = callsFor(pictor.upstream, 'image-seeds')
    expect(calls.map(({ body }) => [body.n, body.seed]).sort()).toEqual([
      [1, 7],
      [1, 8],
      [1, 9],
    ])
    const rows = await rowsOfModel(pictor, 'image-seeds')
    expect(rows.map(({ seed, position }) => [seed, position])).toEqual([
      [7, 0],
      [8, 1],
      [9, 2],
    ])
    expect(task.images.map(({ id }) => id)).toEqual(rows.map(({ id }) => id))
  })

  test('goes by its references, in the order of the upload', async () => {
    const pictures = await Promise.all(
      ['one', 'two', 'three'].map(async (mark) =>
        whole(await paint({ width: 32, height: 32, format: 'png', mark })),
      ),
    )
    const form = new FormData()
    for (const [name, value] of Object.entries({
      prompt: '合成',
      model: 'image-references',
      count: '2',
      apiBase: '',
    }))
      form.append(name, value)
    for (const picture of pictures) form.append('refImages', new Blob([new Uint8Array(picture)]), 'ref.png')
    const begun = await ask<BatchTask>(pictor, '/generate/batch-with-images', { method: 'POST', body: form })
    expect(await endOf(pictor, begun)).toMatchObject({ status: 'completed', completedCount: 2 })
    const calls = callsFor(pictor.upstream, 'image-references')
    expect(calls).toHaveLength(2)
    for (const { path, files } of calls) {
      expect(path).toBe('/v1/images/edits')
      expect(files.map(({ bytes }, index) => bytes.equals(pictures[index] ?? Buffer.alloc(0)))).toEqual([
        true,
        true,
        true,
      ])
    }
  })

  test('that fails in part says so and keeps what came; retry asks only for the rest', async () => {
    pictor.upstream.behave('image-half', ['b64', 'moderation-400', 'b64', 'moderation-400', 'b64'])
    const half = await endOf(pictor, await begin(pictor, { model: 'image-half', count: 4 }))
    expect(half).toMatchObject({ status: 'partial', completedCount: 2, totalCount: 4 })
    expect(half.images).toHaveLength(2)
    expect(half.errorMessage).toMatch(/^2 张生成失败: 请求未通过内容审核/)
    const english = await ask<BatchTask>(pictor, `/generate/status/${half.id}`, {
      headers: { 'accept-language': 'en-GB' },
    })
    expect(english.errorMessage).toMatch(/^2 failed: The request was blocked/)

    const again = await ask<BatchTask>(pictor, `/generate/retry/${half.id}`, { method: 'POST' })
    expect(again).toMatchObject({ id: half.id, status: 'processing', completedCount: 2, errorMessage: '' })
    const whole = await endOf(pictor, again)
    expect(whole).toMatchObject({ status: 'completed', completedCount: 4, errorMessage: '' })
    expect(callsFor(pictor.upstream, 'image-half')).toHaveLength(6)
    expect(whole.images.map(({ id }) => id)).toEqual(expect.arrayContaining(half.images.map(({ id }) => id)))
    expect(await call(pictor, `/generate/retry/${half.id}`, { method: 'POST' })).toMatchObject({
      code: 400,
      param: 'taskId',
    })
  })

  test('that fails as a whole says why', async () => {
    pictor.upstream.behave('image-refused', 'moderation-400')
    const task = await endOf(pictor, await begin(pictor, { model: 'image-refused', count: 3 }))
    expect(failed(task)).toEqual({ status: 'failed', error: expect.stringMatching(/^请求未通过内容审核/) })
    expect(task.images).toEqual([])
  })

  test('waits for an upstream that is limiting, and asks no more often than needed', async () => {
    pictor.upstream.behave('image-limited', ['b64', '429-soon', 'b64'])
    const task = await endOf(pictor, await begin(pictor, { model: 'image-limited', count: 6 }))
    expect(failed(task)).toEqual({ status: 'completed', error: '' })
    expect(callsFor(pictor.upstream, 'image-limited').length).toBeLessThanOrEqual(8)
  }, 60_000)
})

describe('stopping', () => {
  test('ends what has not begun; what is under way is kept', async () => {
    pictor.upstream.behave('image-stopped', { name: 'b64', delay: 400 })
    const task = await begin(pictor, { model: 'image-stopped', count: 8 })
    await reached('image-stopped', 2)
    await ask(pictor, `/generate/cancel/${task.id}`, { method: 'POST' })
    const done = await endOf(pictor, task)
    expect(done).toMatchObject({ status: 'cancelled', completedCount: 2 })
    expect(done.errorMessage).toContain('任务已取消')
    expect(callsFor(pictor.upstream, 'image-stopped')).toHaveLength(2)
    pictor.upstream.behave('image-stopped', 'b64')
    await ask(pictor, `/generate/retry/${task.id}`, { method: 'POST' })
    expect(await endOf(pictor, task)).toMatchObject({ status: 'completed', completedCount: 8 })
    expect(callsFor(pictor.upstream, 'image-stopped')).toHaveLength(8)
  })

  test('a batch that waits for its turn never makes a call', async () => {
    pictor.upstream.behave('image-slow', { name: 'b64', delay: 500 })
    const slow = await begin(pictor, { model: 'image-slow', count: 4 })
    await reached('image-slow', 2)
    const waiting = await begin(pictor, { model: 'image-never', count: 2 })
    const stopped = await ask<BatchTask>(pictor, `/generate/cancel/${waiting.id}`, { method: 'POST' })
    expect(stopped).toMatchObject({ status: 'cancelled', completedCount: 0 })
    await endOf(pictor, slow)
    expect(callsFor(pictor.upstream, 'image-never')).toEqual([])
  })
})

test('batches take turns: a small one does not wait for a large one', async () => {
  pictor.upstream.behave('image-large', { name: 'b64', delay: 60 })
  const large = await begin(pictor, { model: 'image-large', count: 18 })
  await reached('image-large', 2)
  const small = await begin(pictor, { model: 'image-small', count: 2 })
  await endOf(pictor, small)
  expect((await statusOf(pictor, large.id)).completedCount).toBeLessThan(12)
  expect(await endOf(pictor, large)).toMatchObject({ status: 'completed' })
})

test('a full queue takes a part, and nothing when it is quite full', async () => {
  pictor.upstream.behave('image-full', { name: 'b64', delay: 300 })
  const first = await begin(pictor, { model: 'image-full', count: 15 })
  const second = await begin(pictor, { model: 'image-full', count: 10 })
  expect(second).toMatchObject({
    totalCount: 7,
    status: 'processing',
    errorMessage: '队列已满，仅接受 7/10 张',
  })
  const third = await pictor.fetch(
    '/api/v1/generate/batch',
    json({ prompt: 'a cat', model: 'image-full', count: 1 }, anyClient()),
  )
  expect([third.status, third.headers.get('retry-after')]).toEqual([429, '30'])
  pictor.upstream.behave('image-full', 'b64')
  expect(await endOf(pictor, first)).toMatchObject({ status: 'completed', completedCount: 15 })
  expect(await endOf(pictor, second)).toMatchObject({
    status: 'completed',
    completedCount: 7,
    errorMessage: '队列已满，仅接受 7/10 张',
  })
})

describe('bad input', () => {
  const good = { prompt: 'a cat', model: 'image-bad', count: 1 }
  const COUNT = '生成数量必须在 1-100 张之间'
  const INVALID = '请求参数有误，请检查后重试'

  test.each<[string, Record<string, unknown>, string, string, RegExp]>([
    ['no prompt', { prompt: undefined }, INVALID, 'prompt', /prompt/],
    ['an empty prompt', { prompt: '' }, INVALID, 'prompt', /prompt/],
    ['a prompt that is too long', { prompt: 'x'.repeat(32_001) }, INVALID, 'prompt', /32000/],
    ['no model', { model: undefined }, INVALID, 'model', /model/],
    ['no count', { count: undefined }, COUNT, 'count', /count/],
    ['count 0', { count: 0 }, COUNT, 'count', /count/],
    ['count 101', { count: 101 }, COUNT, 'count', /100/],
    ['count 1.5', { count: 1.5 }, COUNT, 'count', /count/],
    ['count as words', { count: 'many' }, COUNT, 'count', /count/],
    ['a ratio that nobody knows', { aspectRatio: '7:5' }, INVALID, 'aspectRatio', /16:9/],
    ['a size that nobody knows', { imageSize: '8K' }, INVALID, 'imageSize', /4K/],
    ['options that are no JSON', { options: '{seed' }, INVALID, 'options', /JSON/],
    ['options that are no object', { options: '[1]' }, INVALID, 'options', /JSON/],
    ['a seed that is none', { options: '{"seed":"x"}' }, INVALID, 'options.seed', /seed/],
    ['an address without a key', { apiBase: 'https://example.com' }, INVALID, 'apiBase', /apiKey/],
    ['a model that writes only', { model: 'gpt-4o-mini' }, INVALID, 'model', /gpt-4o-mini/],
  ])('%s is refused with its field', async (_name, change, message, param, detail) => {
    const answer = await call(pictor, '/generate/batch', json({ ...good, ...change }))
    expect(answer).toEqual({ code: 400, message, param, detail: expect.stringMatching(detail) })
  })

  test('broken JSON, another content type, another method', async () => {
    const headers = { 'content-type': 'application/json' }
    const broken = await call(pictor, '/generate/batch', { method: 'POST', headers, body: '{"prompt":' })
    expect(broken).toMatchObject({ code: 400, message: INVALID, detail: expect.stringContaining('JSON') })
    const text = { 'content-type': 'text/plain' }
    const other = await call(pictor, '/generate/batch', { method: 'POST', headers: text, body: 'a cat' })
    expect(other).toMatchObject({ code: 400, message: INVALID })
    expect((await pictor.fetch('/api/v1/generate/batch')).status).toBe(404)
  })

  const upload = (files: readonly Uint8Array[]) => {
    const form = new FormData()
    for (const [name, value] of Object.entries(good)) form.append(name, String(value))
    for (const file of files) form.append('refImages', new Blob([new Uint8Array(file)]), 'ref.png')
    return call(pictor, '/generate/batch-with-images', { method: 'POST', body: form })
  }

  test('one unreadable picture fails the whole request', async () => {
    const picture = whole(await paint({ width: 16, height: 16, format: 'png', mark: 'fine' }))
    expect(await upload([picture, Buffer.from('no picture at all')])).toMatchObject({
      code: 400,
      message: INVALID,
      param: 'refImages[1]',
    })
    expect(await upload([picture.subarray(0, -20)])).toMatchObject({ code: 400, param: 'refImages[0]' })
    expect(await upload(Array(11).fill(picture))).toMatchObject({ code: 400, param: 'refImages' })
    const large = whole(
      await paint({ width: 16, height: 16, format: 'png', mark: 'large', bytes: 21 * 1024 * 1024 }),
    )
    expect(await upload([large])).toMatchObject({ code: 400, param: 'refImages[0]' })
    expect(callsFor(pictor.upstream, 'image-bad')).toEqual([])
  })

  test('a task that is not there, or is another’s', async () => {
    const mine = await begin(pictor, { model: 'image-mine' })
    const { secret } = await pictor.app.parts.keys.create({ name: 'stranger' })
    const authorization = `Bearer ${secret}`
    for (const [method, route] of [
      ['GET', 'status'],
      ['POST', 'cancel'],
      ['POST', 'retry'],
    ] as const) {
      const foreign = await call(pictor, `/generate/${route}/${mine.id}`, {
        method,
        headers: { authorization },
      })
      expect(foreign).toEqual({ code: 404, message: '任务不存在' })
      expect(await call(pictor, `/generate/${route}/no-such-task`, { method })).toMatchObject({ code: 404 })
    }
    await endOf(pictor, mine)
  })

  test('no key, and a wrong one', async () => {
    for (const headers of [{}, { authorization: 'Bearer sk-wrong' }]) {
      const response = await fetch(`${pictor.url}/api/v1/history`, { headers })
      expect(response.status).toBe(401)
      expect(await response.json()).toMatchObject({ code: 401, message: expect.stringContaining('API Key') })
    }
    const health = await fetch(`${pictor.url}/api/v1/health`)
    expect([health.status, await health.json()]).toEqual([200, { status: 'ok', message: '服务运行正常' }])
  })
})
