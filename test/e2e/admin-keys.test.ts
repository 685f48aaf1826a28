import { PassThrough } from 'node:stream'
import { GoogleGenAI } from '@google/genai'
import type OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KeyReply, UsageReply } from '../../contract/keys.ts'
import { newId } from '../../src/base/id.ts'
import { createLog } from '../../src/base/log.ts'
import { json, sdk, startWithAnyModel, type TestGateway } from '../pictor.ts'
import { signIn } from './admin.ts'
import { anyClient } from './batch.ts'

const clock = { at: Date.parse('2026-11-24T12:00:00Z'), now: () => clock.at }
const logged: string[] = []
let pictor: TestGateway
let signedIn: Record<string, string>
beforeAll(async () => {
  const lines = new PassThrough().setEncoding('utf8').on('data', (text: string) => logged.push(text))
  pictor = await startWithAnyModel(
    { TRUST_PROXY: 'loopback', TZ: 'UTC' },
    { clock, log: createLog('debug', lines) },
  )
  signedIn = await signIn(pictor)
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

/** What an admin asks. */
async function admin<Answer>(
  path: string,
  method = 'GET',
  body?: unknown,
): Promise<Answer & { status: number }> {
  const init = body === undefined ? { method } : { ...json(body), method }
  const headers = { ...(init as { headers?: Record<string, string> }).headers, ...signedIn }
  const reply = await fetch(`${pictor.url}/admin/${path}`, { ...init, headers })
  return { status: reply.status, ...((await reply.json()) as Answer) }
}

type Created = KeyReply & { message: string; success: boolean }
const create = (choices: Record<string, unknown> = {}) =>
  admin<Created>('api-keys', 'POST', { name: 'for tests', ...choices })
const change = (key: string, choices: Record<string, unknown>) =>
  admin<Created>(`api-keys/${key}`, 'PUT', choices)

const draw = (key: string, body: Record<string, unknown> = {}) =>
  sdk(pictor.url, key).images.generate({ model: 'image-kept', prompt: 'a fox', ...body })
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => ({ status: 200 }),
    (error: unknown) => error as InstanceType<typeof OpenAI.APIError>,
  )

describe('keys over HTTP', () => {
  test('are for admins alone', async () => {
    const [path, key] = ['/admin/api-keys', pictor.key]
    for (const headers of [{}, { authorization: `Bearer ${key}` }, { cookie: 'pictor_session=wrong' }]) {
      for (const one of [path, `${path}/${key}`, `${path}-stats`, '/admin/usage']) {
        expect((await fetch(pictor.url + one, { headers })).status).toBe(401)
      }
      expect((await fetch(pictor.url + path, { ...json({ name: 'x' }), headers })).status).toBe(401)
    }
  })

  test('a key is shown once, then by its beginning and end; found, changed and deleted by id and by itself', async () => {
    const created = await create({
      daily_limit: 3,
      monthly_limit: 30,
      rpm: 60,
      models: ['image-kept', 'image-kept'],
      expires_at: '2027-01-01T00:00:00Z',
      account_pool: 'team',
      images_format: 'b64_json',
      note: '备注',
    })
    const { status, message, success, key, ...rest } = created
    expect({ status, success, message }).toEqual({
      status: 200,
      success: true,
      message: 'API Key 创建成功，请妥善保管，此密钥只显示一次',
    })
    expect(key).toMatch(/^sk-[\w-]{32}$/)
    const shown = { ...rest, key: `${key.slice(0, 7)}…${key.slice(-4)}` }
    expect(shown).toMatchObject({
      daily_limit: 3,
      monthly_limit: 30,
      rpm: 60,
      models: ['image-kept'],
      expires_at: Date.parse('2027-01-01T00:00:00Z'),
      account_pool: 'team',
      images_format: 'b64_json',
      note: '备注',
      enabled: true,
      used_today: 0,
      used_this_month: 0,
    })
    for (const name of [created.id, key]) {
      expect(await admin(`api-keys/${name}`)).toEqual({ status: 200, ...shown })
    }
    const list = await admin<{ keys: KeyReply[]; next: string | null }>('api-keys?limit=1')
    expect(list).toEqual({ status: 200, keys: [shown], next: created.id })
    const rest2 = await admin<{ keys: KeyReply[]; next: string | null }>(`api-keys?before=${list.next}`)
    expect([rest2.keys.map(({ name }) => name), rest2.next]).toEqual([['test'], null])

    const cleared = await change(key, { daily_limit: null, models: null, expires_at: null, note: null })
    expect(cleared).toMatchObject({
      message: 'API Key 更新成功',
      key: shown.key,
      daily_limit: null,
      models: null,
      expires_at: null,
      note: null,
      monthly_limit: 30,
      rpm: 60,
      name: 'for tests',
      enabled: true,
    })
    expect(await admin(`api-keys/${key}`, 'DELETE')).toMatchObject({ status: 200, success: true })
    const missing = { status: 404, code: 404, message: 'API Key 不存在' }
    for (const name of [created.id, key, newId(), 'sk-wrong']) {
      expect(await admin(`api-keys/${name}`)).toEqual(missing)
      expect(await change(name, {})).toEqual(missing)
      expect(await admin(`api-keys/${name}`, 'DELETE')).toEqual(missing)
    }
    expect(await refusal(draw(key))).toMatchObject({ status: 401, code: 'invalid_api_key' })
  })

  test.each([
    [{ name: '' }, 'name'],
    [{ name: 'x'.repeat(256) }, 'name'],
    [{ daily_limit: 0 }, 'daily_limit'],
    [{ daily_limit: -1 }, 'daily_limit'],
    [{ monthly_limit: 1.5 }, 'monthly_limit'],
    [{ rpm: 'many' }, 'rpm'],
    [{ models: [] }, 'models'],
    [{ models: 'all' }, 'models'],
    [{ images_format: 'png' }, 'images_format'],
    [{ expires_at: 'soon' }, 'expires_at'],
  ])('%o is refused by its name', async (choices, param) => {
    expect(await create(choices)).toMatchObject({ status: 400, code: 400, param })
  })
})

describe('on every surface', () => {
  const drawBatch = (key: string, headers: Record<string, string> = {}) =>
    fetch(
      `${pictor.url}/api/v1/generate/batch`,
      json(
        { prompt: 'a fox', model: 'image-kept', count: 1 },
        { authorization: `Bearer ${key}`, ...anyClient(), ...headers },
      ),
    )
  const drawGemini = (apiKey: string, model = 'image-kept') =>
    new GoogleGenAI({ apiKey, httpOptions: { baseUrl: pictor.url } }).models.generateContent({
      model,
      contents: 'a fox',
    })
  const geminiError = async (promise: Promise<unknown>) => {
    const error = await promise.then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    )
    return JSON.parse(error?.message ?? '{}').error
  }

  test('a limit that is reached is 429 with its words and the time until it ends', async () => {
    const { key, id } = await create({ daily_limit: 2, monthly_limit: 5 })
    await draw(key, { n: 2 })
    const seconds = String(12 * 3600)
    const openai = await refusal(draw(key))
    expect(openai).toMatchObject({ status: 429, code: 'daily_limit_reached', type: 'insufficient_quota' })
    expect((openai as { headers?: Headers }).headers?.get('retry-after')).toBe(seconds)
    expect(await geminiError(drawGemini(key))).toMatchObject({ code: 429, status: 'RESOURCE_EXHAUSTED' })
    const batch = await drawBatch(key)
    expect([batch.status, batch.headers.get('retry-after'), await batch.json()]).toEqual([
      429,
      seconds,
      { code: 429, message: '已达到每日请求限制 (2)' },
    ])
    await change(id, { daily_limit: null, monthly_limit: 2 })
    const month = await drawBatch(key)
    expect([month.headers.get('retry-after'), await month.json()]).toEqual([
      String((6 * 24 + 12) * 3600),
      { code: 429, message: '已达到每月请求限制 (2)' },
    ])
    const english = await drawBatch(key, { 'accept-language': 'en' })
    expect(await english.json()).toMatchObject({ message: expect.stringContaining('monthly limit') })
    expect(await admin(`api-keys/${id}`)).toMatchObject({ used_today: 2, used_this_month: 2 })
    await change(id, { monthly_limit: 3 })
    await draw(key)
  })

  test('a model that is not in the list is refused by name, and not listed', async () => {
    const { key } = await create({ models: ['image-allowed', 'gpt-plain'] })
    const listed = await sdk(pictor.url, key).models.list()
    expect(listed.data.map(({ id }) => id)).toEqual([])
    const google = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: pictor.url } })
    const names: unknown[] = []
    for await (const { name } of await google.models.list()) names.push(name)
    expect(names).toEqual([])
    expect(await refusal(sdk(pictor.url, key).models.retrieve('pictor'))).toMatchObject({ status: 404 })

    for (const model of ['image-kept', 'demo', 'pictor']) {
      expect(await refusal(draw(key, { model }))).toMatchObject({
        status: 403,
        code: 'model_not_allowed',
        param: 'model',
        message: expect.stringContaining(model),
      })
    }
    expect(await geminiError(drawGemini(key))).toMatchObject({ code: 403, status: 'PERMISSION_DENIED' })
    expect((await drawBatch(key)).status).toBe(403)
    const chat = (model: string) =>
      sdk(pictor.url, key).chat.completions.create({
        model,
        messages: [{ role: 'user', content: 'tell me about cats' }],
      })
    expect(await refusal(chat('gpt-other'))).toMatchObject({ status: 403, code: 'model_not_allowed' })
    expect((await chat('gpt-plain')).choices).toHaveLength(1)
    expect((await draw(key, { model: 'image-allowed' })).data).toHaveLength(1)
  })

  test('the alias may be asked for where the model is allowed that it stands for', async () => {
    const preferred = pictor.app.parts.gateway.providers.preferred()
    const { key } = await create({ models: [preferred] })
    const listed = await sdk(pictor.url, key).models.list()
    expect(listed.data.map(({ id }) => id)).toEqual(['pictor', preferred])
    expect((await draw(key, { model: 'pictor', size: '64x64' })).data).toHaveLength(1)
  })

  test('a key that is disabled or has expired is told so, and works again when that is over', async () => {
    const { key, id } = await create()
    await draw(key)
    await change(id, { enabled: false })
    expect(await refusal(draw(key))).toMatchObject({ status: 401, code: 'api_key_disabled' })
    expect(await geminiError(drawGemini(key))).toMatchObject({ code: 401, status: 'UNAUTHENTICATED' })
    expect(await (await drawBatch(key)).json()).toEqual({ code: 401, message: 'API Key 已禁用' })
    await change(id, { enabled: true, expires_at: clock.at })
    expect(await refusal(draw(key))).toMatchObject({ status: 401, code: 'api_key_expired' })
    expect(await (await drawBatch(key)).json()).toEqual({ code: 401, message: 'API Key 已过期' })
    await change(id, { expires_at: clock.at + 1 })
    expect((await draw(key)).data).toHaveLength(1)
  })

  test('requests per minute are counted over all surfaces, those that only read are free', async () => {
    const { key } = await create({ rpm: 3 })
    await draw(key)
    await drawGemini(key)
    expect((await drawBatch(key)).status).toBe(200)
    const refused = await drawBatch(key)
    expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toEqual([
      429,
      '60',
      { code: 429, message: '已达到每分钟请求限制 (3)' },
    ])
    expect(await refusal(draw(key))).toMatchObject({ status: 429, code: 'request_rate_reached' })
    await sdk(pictor.url, key).models.list()
    clock.at += 60_000
    expect((await draw(key)).data).toHaveLength(1)
  })
})

test('usage is told by day, model, provider and key; keys are counted', async () => {
  const { key, id } = await create({ name: 'a name' })
  await draw(key, { n: 2, model: 'gpt-image-1' })
  const usage = (group: string, range = '') => admin<UsageReply>(`usage?group=${group}${range}`)
  const byKey = await usage('key')
  expect(byKey).toMatchObject({ status: 200, from: '2026-10-26', to: '2026-11-24', group: 'key' })
  const row = byKey.rows.find(({ group }) => group === id)
  expect(row).toEqual({
    group: id,
    name: 'a name',
    requests: 1,
    pictures: 2,
    errors: 0,
    input_tokens: 10,
    output_tokens: 1056,
    latency_ms: 0,
    cost_usd: 0.04229,
    unpriced: 0,
  })
  for (const group of ['day', 'model', 'provider']) {
    const { rows, total } = await usage(group)
    expect(rows.reduce((sum, { pictures }) => sum + pictures, 0)).toBe(total.pictures)
  }
  const unknown = (await usage('model')).rows.find(({ group }) => group === 'image-kept')
  expect(unknown).toMatchObject({ cost_usd: null, unpriced: unknown?.pictures })
  expect(await usage('day', '&from=2025-01-01&to=2025-01-31')).toMatchObject({ rows: [] })
  expect(await usage('hour')).toMatchObject({ status: 400, param: 'group' })
  expect(await usage('day', '&from=yesterday')).toMatchObject({ status: 400, param: 'from' })

  const before = await admin<Record<string, number>>('api-keys-stats')
  await create({ enabled: false })
  await create({ expires_at: 1 })
  const stats = await admin<Record<string, number>>('api-keys-stats')
  const { keys } = await admin<{ keys: KeyReply[] }>('api-keys')
  const [disabled, expired] = [stats.disabled_keys ?? 0, stats.expired_keys ?? 0]
  expect([stats.total_keys, disabled, expired]).toEqual([
    keys.length,
    (before.disabled_keys ?? 0) + 1,
    (before.expired_keys ?? 0) + 1,
  ])
  expect(stats.active_keys).toBe(before.active_keys)
  expect(stats.today).toMatchObject({ requests: byKey.total.requests })
})

test('a wrong path with a key in it is neither logged nor told', async () => {
  const { key } = await create()
  await admin(`api-keys/${key}`)
  for (const path of [
    `/admin/api-keys/${key}/more`,
    `/v1/${key}`,
    `/v1beta/${key}`,
    `/api/v1/${key}`,
    `/${key}`,
  ]) {
    const headers = { ...signedIn, authorization: `Bearer ${pictor.key}` }
    const reply = await fetch(pictor.url + path, { headers })
    expect([reply.status, (await reply.text()).includes(key)]).toEqual([404, false])
  }
  const lines = logged.join('')
  expect(lines).toContain('/admin/api-keys/sk-***')
  expect(lines).not.toContain(key.slice(3))
  const { database } = pictor.app.parts.gateway
  for (const table of ['api_key', 'key_quota', 'usage_day', 'task', 'setting'] as const) {
    const rows = await database.query.selectFrom(table).selectAll().execute()
    expect(JSON.stringify(rows)).not.toContain(key.slice(7, -4))
  }
})
