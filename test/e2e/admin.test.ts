import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { newId } from '../../src/base/id.ts'
import { json, startPictor, startWithAnyModel, type TestGateway, type TestPictor } from '../pictor.ts'
import { type FakeOpenAi, startFakeOpenAi } from '../upstreams/openai.ts'
import { signIn } from './admin.ts'
import { generateWith } from './ask.ts'
import { anyClient } from './batch.ts'
import { callsFor, eventually, rowOf } from './evidence.ts'

const DAY = 24 * 60 * 60 * 1000

type Ask = <Data>(path: string, init?: RequestInit) => Promise<{ status: number; answer: Data }>

/** Requests of the signed-in admin. */
async function adminOf(pictor: TestPictor): Promise<Ask> {
  const session = await signIn(pictor)
  return async (path, init = {}) => {
    const headers = { ...session, ...(init.headers as Record<string, string>) }
    const reply = await fetch(`${pictor.url}${path}`, { ...init, headers })
    return { status: reply.status, answer: (await reply.json()) as never }
  }
}

const draw = async (pictor: TestPictor, model: string) => {
  const { data } = await generateWith(pictor.openai, { model, prompt: 'a fox', size: '64x64' })
  return data[0]?.image_id ?? ''
}

describe('every admin route', () => {
  const ENTRANCES = ['status', 'setup', 'login', 'logout'].map((name) => `/api/v1/admin/${name}`)

  test.each(['on', 'off'])('is closed to whoever is not the admin, with AUTH=%s', async (AUTH) => {
    await using pictor = await startPictor({ AUTH, API_KEY: 'client-key', TRUST_PROXY: 'loopback' })
    const document = (await (await fetch(`${pictor.url}/openapi.json`)).json()) as {
      paths: Record<string, object>
    }
    const closed = Object.entries(document.paths)
      .filter(([path]) => /^\/(api\/v1\/)?admin\//.test(path) && !ENTRANCES.includes(path))
      .flatMap(([path, operations]) =>
        Object.keys(operations).map((method) => ({ method, path: path.replaceAll(/\{\w+\}/g, newId()) })),
      )
    expect(closed.length).toBeGreaterThanOrEqual(10)
    const others = ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'].map((method) => ({
      method,
      path: '/api/v1/admin/no-such-route',
    }))
    const strangers = [
      {},
      { authorization: `Bearer ${pictor.key}` },
      { authorization: 'Bearer client-key' },
      { cookie: 'pictor_session=made-up', 'sec-fetch-site': 'same-origin' },
      { cookie: 'pictor_session=' },
    ]
    for (const { method, path } of [...closed, ...others]) {
      for (const headers of strangers) {
        const init = { method: method.toUpperCase(), headers: { ...anyClient(), ...headers } }
        const reply = await fetch(`${pictor.url}${path}`, init)
        const answer = { code: 401, message: expect.stringContaining('需要管理员权限') }
        expect([reply.status, await reply.json()], `${method} ${path}`).toEqual([401, answer])
      }
    }
  })
})

describe('status and statistics', () => {
  test('have the shape of the contract, and no secret', async () => {
    let now = Date.UTC(2026, 10, 24)
    const env = { OPENAI_API_KEY: 'sk-secret-one-0123456789,sk-secret-two-0123456789', WORKERS: '3' }
    await using pictor = await startWithAnyModel(env, { clock: { now: () => now } })
    const ask = await adminOf(pictor)
    now += 90_000
    await draw(pictor, 'demo')
    const { status, answer } = await ask<object>('/admin/status')
    expect(status).toBe(200)
    const key = {
      ...{ id: expect.any(String), key_prefix: 'sk-s…', used_today: 0, remaining: null, last_used: null },
      state: 'ready',
    }
    const { answer: stats } = await ask<Record<string, number>>('/api/v1/admin/stats')
    const bytes = stats.total_size_bytes ?? 0
    expect(bytes).toBeGreaterThan(100)
    expect(stats).toEqual({
      ...{ total_images: 1, local_images: 1, remote_images: 0, pending_uploads: 0, failed_uploads: 0 },
      ...{ total_size_bytes: bytes, disk_usage_bytes: bytes },
    })
    expect(answer).toEqual({
      ...{ service: 'pictor', version: packageJson.version, uptime: 90, mode: 'auto' },
      providers: [
        { name: 'openai', in_use: true, models: expect.any(Number), keys: 2 },
        { name: 'grok', in_use: false, models: 1, keys: 0 },
        { name: 'demo', in_use: true, models: 1, keys: 0 },
      ],
      accounts: {
        ...{ total_keys: 2, failed_count: 0, strategy: 'round_robin', daily_limit: 0 },
        next_reset_timestamp: expect.any(Number),
        keys: [key, key],
      },
      queue: { waiting: 0, running: 0, failed: 0, workers: 3, limit: 1000 },
      storage: {
        ...{ type: 'local', total_images: 1, total_size_bytes: bytes, disk_usage_bytes: bytes },
        free_bytes: expect.any(Number),
      },
    })
    expect(JSON.stringify(answer)).not.toContain('secret-')
  })
})

interface Page {
  images: Record<string, unknown>[]
  total: number
  total_pages: number
  next_cursor?: string
}

describe('the pictures', () => {
  let pictor: TestGateway
  let ask: Ask
  let ids: string[]
  const start = Date.now()
  beforeAll(async () => {
    pictor = await startWithAnyModel()
    ask = await adminOf(pictor)
    ids = []
    for (const model of ['image-a', 'image-b', 'image-a', 'image-b', 'image-a'])
      ids.unshift(await draw(pictor, model))
  })
  afterAll(() => pictor?.[Symbol.asyncDispose]())
  const list = async (query: string) => (await ask<Page>(`/api/v1/admin/images${query}`)).answer
  const idsOf = ({ images }: Page) => images.map(({ id }) => id)

  test('are listed, newest first, with all that is known', async () => {
    const { answer } = await ask<Page & { count: number }>('/admin/images/list?limit=2')
    expect([answer.count, answer.total, idsOf(answer)]).toEqual([2, 5, ids.slice(0, 2)])
    const row = await rowOf(pictor, ids[0])
    expect(answer.images[0]).toEqual({
      ...{ id: row.id, filename: `${row.id}.png`, prompt: 'a fox', revised_prompt: row.revised_prompt },
      ...{ model: 'image-a', provider: 'openai', owner: row.owner, task_id: row.task_id },
      ...{ created_at: row.created_at, file_size: row.bytes, width: row.width, height: row.height },
      ...{ mime_type: 'image/png', url: `${pictor.url}/images/${row.id}` },
      thumbnail_url: `${pictor.url}/images/${row.id}/thumbnail`,
    })
    expect((await ask<Page>('/admin/images/list')).answer.images).toHaveLength(5)
  })

  test('are paged and filtered', async () => {
    const first = await list('?page_size=2')
    expect(first).toMatchObject({ total: 5, page: 1, page_size: 2, total_pages: 3, next_cursor: ids[1] })
    expect(idsOf(first)).toEqual(ids.slice(0, 2))
    expect(idsOf(await list('?page_size=2&page=3'))).toEqual(ids.slice(4))
    const next = await list(`?page_size=3&cursor=${first.next_cursor}`)
    expect(idsOf(next)).toEqual(ids.slice(2))
    const { owner } = await rowOf(pictor, ids[0])
    expect(await list('?model=image-b')).toMatchObject({ total: 2, total_pages: 1 })
    expect(idsOf(await list(`?model=image-b&owner=${owner}`))).toEqual([ids[1], ids[3]])
    expect(await list('?owner=nobody')).toMatchObject({ images: [], total: 0, total_pages: 0 })
    expect((await list(`?start_date=${start}&end_date=${Date.now() + DAY}`)).total).toBe(5)
    expect((await list(`?end_date=${start - DAY}`)).total).toBe(0)
  })

  test.each(['?page=0', '?page_size=201', '?cursor=x', '?start_date=-1', '?end_date=soon', '?model=%00'])(
    '%s is refused',
    async (query) => {
      const { status, answer } = await ask<object>(`/api/v1/admin/images${query}`)
      expect([status, answer]).toEqual([
        400,
        expect.objectContaining({ param: /\w+/.exec(query.slice(1))?.[0] }),
      ])
    },
  )

  test('are deleted, whoever they belong to, and the counts follow', async () => {
    const doomed = await draw(pictor, 'image-c')
    const remove = (body: object) =>
      ask<Record<string, unknown>>('/api/v1/admin/images/batch-delete', json(body))
    const { answer } = await remove({ image_ids: [doomed, newId(), 'x', doomed], delete_type: 'local' })
    expect(answer).toEqual({
      success: true,
      message: '删除完成: 成功 1, 失败 2',
      data: { deleted: 1, failed: 2, total: 3 },
    })
    expect((await fetch(`${pictor.url}/images/${doomed}`)).status).toBe(404)
    const { answer: stats } = await ask<Record<string, number>>('/api/v1/admin/stats')
    expect(stats.total_images).toBe(5)
    const { task_id } = await rowOf(pictor, doomed)
    const { query } = pictor.app.parts.gateway.database
    const task = query.selectFrom('task').select('completed').where('id', '=', task_id)
    expect(await task.executeTakeFirstOrThrow()).toEqual({ completed: 0 })

    const remote = await remove({ image_ids: ids, delete_type: 'r2' })
    expect([remote.status, remote.answer]).toEqual([
      409,
      { code: 409, message: '未配置对象存储，请设置 S3_ 或 R2_ 环境变量。', param: 'delete_type' },
    ])
    expect((await list('')).total).toBe(5)
    for (const body of [{}, { image_ids: [] }, { image_ids: ids, delete_type: 'some' }, { image_ids: [''] }])
      expect((await remove(body)).status).toBe(400)
  })

  test.each(['DELETE', 'POST'])('are all cleared by %s', async (method) => {
    const made = [await draw(pictor, 'image-d'), await draw(pictor, 'image-d')]
    const { total } = await list('')
    const { answer } = await ask<object>('/admin/images/clear', { method })
    expect(answer).toEqual({
      success: true,
      message: `已清空 ${total} 张图片`,
      data: { deleted: total },
    })
    expect(await list('')).toMatchObject({ images: [], total: 0 })
    for (const id of made) expect((await fetch(`${pictor.url}/images/${id}`)).status).toBe(404)
    const { answer: stats } = await ask<Record<string, number>>('/api/v1/admin/stats')
    expect([stats.total_images, stats.total_size_bytes]).toEqual([0, 0])
    expect(stats.disk_usage_bytes, 'the trash').toBeGreaterThan(0)
  })
})

describe('mode and order of the upstreams', () => {
  let direct: FakeOpenAi
  let relay: FakeOpenAi
  beforeAll(async () => {
    direct = await startFakeOpenAi()
    relay = await startFakeOpenAi()
    for (const upstream of [direct, relay]) upstream.models = ['image-shared']
  })
  afterAll(async () => {
    await direct?.close()
    await relay?.close()
  })
  const start = async (env: Record<string, string> = {}) => {
    const pictor = await startPictor({
      ...{ OPENAI_BASE_URL: direct.url, OPENAI_API_KEY: 'a', RELAY_API_KEY: 'b' },
      ...{ RELAY_BASE_URL: relay.url, RELAY_IMAGE_MODEL: 'image-shared' },
      ...env,
    })
    await eventually(async () => {
      const { owned_by } = await pictor.openai.models.retrieve('image-shared').catch(() => ({ owned_by: '' }))
      return owned_by === '' ? undefined : true
    })
    return pictor
  }
  /** Who was asked for a picture, in turn. */
  const asked = async ({ fetch }: TestPictor) => {
    const calls = [direct, relay].map((upstream) => callsFor(upstream, 'image-shared').length)
    await fetch('/v1/images/generations', json({ model: 'image-shared', prompt: 'a fox', size: '64x64' }))
    return [direct, relay].map(
      (upstream, index) => callsFor(upstream, 'image-shared').length - (calls[index] ?? 0),
    )
  }
  const change = (ask: Ask, body: object) =>
    ask<Record<string, unknown>>('/api/v1/admin/settings', json(body))

  test('change at run time who is asked', async () => {
    await using pictor = await start()
    const ask = await adminOf(pictor)
    const names = { providers: ['openai', 'relay', 'grok', 'demo'] }
    const before = { settings: { mode: 'auto', provider_order: [] }, locked: {}, ...names }
    expect((await ask('/api/v1/admin/settings')).answer).toEqual(before)
    expect(await asked(pictor)).toEqual([1, 0])

    const settings = { mode: 'relay', provider_order: [] }
    expect((await change(ask, { mode: 'relay', unknown: 1 })).answer).toEqual({
      success: true,
      message: '设置已保存',
      data: { ...before, settings },
    })
    expect(await asked(pictor)).toEqual([0, 1])
    expect((await ask('/admin/status')).answer).toMatchObject({
      mode: 'relay',
      providers: [
        { name: 'openai', in_use: false },
        { name: 'relay', in_use: true },
        { name: 'grok', in_use: false },
        { name: 'demo', in_use: true },
      ],
    })
    await change(ask, { mode: 'direct' })
    expect(await asked(pictor)).toEqual([1, 0])
    await change(ask, { mode: 'auto', provider_order: ['relay'] })
    expect(await asked(pictor)).toEqual([0, 1])
  })

  test('in auto one stands in for the other, and in a mode of its own none does', async () => {
    await using pictor = await start()
    const ask = await adminOf(pictor)
    relay.behave('image-shared', '500')
    await change(ask, { provider_order: ['relay', 'openai'] })
    const [, second] = await asked(pictor)
    expect(second).toBeGreaterThan(0)
    relay.behave('image-shared', 'b64')
    direct.behave('image-shared', ['503'])
    await change(ask, { mode: 'direct' })
    expect((await asked(pictor))[1]).toBe(0)
    direct.behave('image-shared', 'b64')
  })

  test.each([
    [{ mode: 'sideways' }, 'mode'],
    [{ mode: null }, 'mode'],
    [{ provider_order: ['openai', 'nobody'] }, 'provider_order'],
    [{ provider_order: ['openai', 'openai'] }, 'provider_order'],
    [{ provider_order: 'relay' }, 'provider_order'],
  ])('%o is refused', async (body, param) => {
    await using pictor = await start()
    const ask = await adminOf(pictor)
    const { status, answer } = await change(ask, body)
    expect([status, answer.param]).toEqual([400, param])
  })

  test('a mode without upstreams is refused', async () => {
    await using pictor = await startPictor({ OPENAI_API_KEY: 'a', OPENAI_BASE_URL: direct.url })
    const ask = await adminOf(pictor)
    expect((await change(ask, { mode: 'relay' })).answer).toMatchObject({ code: 400, param: 'mode' })
    expect((await change(ask, { mode: 'direct' })).status).toBe(200)
  })

  test('the environment wins and is shown as locked', async () => {
    await using pictor = await start({ UPSTREAM_MODE: 'relay', PROVIDER_ORDER: 'demo,relay' })
    const ask = await adminOf(pictor)
    expect((await ask('/api/v1/admin/settings')).answer).toMatchObject({
      settings: { mode: 'relay', provider_order: ['demo', 'relay'] },
      locked: { mode: 'UPSTREAM_MODE', provider_order: 'PROVIDER_ORDER' },
    })
    expect(await asked(pictor)).toEqual([0, 1])
    const { status, answer } = await change(ask, { mode: 'direct' })
    expect([status, answer]).toEqual([
      409,
      {
        code: 409,
        message: 'mode 由服务器环境变量 UPSTREAM_MODE 设定，只能在那里修改。',
        param: 'mode',
      },
    ])
    await using without = await start({ RELAY_ENABLED: 'false' })
    const { answer: settings } = await (await adminOf(without))('/api/v1/admin/settings')
    expect(settings).toMatchObject({ settings: { mode: 'direct' }, locked: { mode: 'RELAY_ENABLED' } })
  })
})
