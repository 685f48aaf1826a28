import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, startPictor, type TestPictor } from '../pictor.ts'
import { type FakeGrok, startFakeGrok } from '../upstreams/grok.ts'
import { startFakeOpenAi } from '../upstreams/openai.ts'
import { paint, whole } from '../upstreams/pictures.ts'

/*
 * The calls that the documentation of an existing Grok gateway shows, one by one, as its users send them today.
 */

const ADMIN_KEY = 'the-admin-key-of-this-test'

let grok: FakeGrok
let relay: Awaited<ReturnType<typeof startFakeOpenAi>>
let folder: string
let pictor: TestPictor

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pictor-reference-'))
  grok = await startFakeGrok()
  relay = await startFakeOpenAi()
  relay.models = ['gpt-image-1', 'gpt-4o-mini']
  await writeFile(join(folder, 'key.txt'), '# tokens\ntoken-of-the-file\n')
  pictor = await startPictor({
    SSO_FILE: join(folder, 'key.txt'),
    SSO_DAILY_LIMIT: '100',
    GROK_WS_URL: grok.url,
    OPENAI_BASE_URL: relay.url,
    OPENAI_API_KEY: 'upstream',
    ADMIN_KEY,
  })
})
afterAll(async () => {
  await pictor?.[Symbol.asyncDispose]()
  await grok?.[Symbol.asyncDispose]()
  await relay?.close()
  await rm(folder, { recursive: true, force: true })
})

interface Answer {
  status: number
  body: Record<string, never>
}

async function send(path: string, init: RequestInit = {}): Promise<Answer> {
  const reply = await pictor.fetch(path, init)
  return { status: reply.status, body: (await reply.json()) as Record<string, never> }
}

const admin = (path: string, method = 'GET', body?: unknown): Promise<Answer> => {
  const authorization = `Bearer ${ADMIN_KEY}`
  const init = body === undefined ? { method, headers: { authorization } } : json(body, { authorization })
  return send(path, { ...init, method })
}

describe('drawing', () => {
  test('health and models', async () => {
    expect(await send('/health')).toMatchObject({ status: 200, body: { status: 'healthy' } })
    const { body } = await send('/v1/models')
    expect(body).toMatchObject({
      object: 'list',
      data: expect.arrayContaining([expect.objectContaining({ id: 'grok-imagine-1.0' })]),
    })
  })

  test('generations with a ratio, as url and as base64', async () => {
    const draw = (more: Record<string, unknown>) =>
      send(
        '/v1/images/generations',
        json({ model: 'grok-imagine', prompt: 'A cute cat', aspect_ratio: '2:3', ...more }),
      )
    expect(await draw({ n: 2 })).toMatchObject({
      status: 200,
      body: { data: [{ url: expect.stringContaining('/images/') }, { url: expect.any(String) }] },
    })
    expect(await draw({ response_format: 'b64_json' })).toMatchObject({
      status: 200,
      body: { data: [{ b64_json: expect.stringMatching(/^(\/9j\/|iVBOR)/) }] },
    })
  })

  test('a stream of it', async () => {
    const request = { model: 'grok-imagine', prompt: 'A cute cat', stream: true, partial_images: 1 }
    const reply = await pictor.fetch('/v1/images/generations', json(request))
    expect(reply.headers.get('content-type')).toContain('text/event-stream')
    expect(await reply.text()).toContain('event: image_generation.completed')
  })

  test('a chat, whole and streamed', async () => {
    const messages = [{ role: 'user', content: '画一只可爱的猫' }]
    const answer = await send('/v1/chat/completions', json({ model: 'grok-imagine', messages }))
    expect(answer).toMatchObject({
      status: 200,
      body: { choices: [{ message: { content: expect.stringMatching(/!\[.*\]\(http.*\/images\//) } }] },
    })
    const reply = await pictor.fetch(
      '/v1/chat/completions',
      json({ model: 'grok-imagine', messages, stream: true }),
    )
    const text = await reply.text()
    expect(text).toContain('/images/')
    expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true)
  })

  test.each(['style_transfer', 'upscale', 'inpainting', 'background_replace'])(
    'edit, mode %s',
    async (mode) => {
      const picture = whole(await paint({ width: 64, height: 64, format: 'png', mark: mode }))
      const form = new FormData()
      form.append('model', 'gpt-image-1')
      form.append('prompt', 'Convert to oil painting style')
      form.append('mode', mode)
      form.append('strength', '0.8')
      form.append('image', new Blob([new Uint8Array(picture)]), 'input.png')
      const answer = await send('/v1/images/edit', { method: 'POST', body: form })
      expect(answer).toMatchObject({ status: 200, body: { data: [{ image_url: expect.any(String) }] } })
    },
  )

  test('prompts: translate, statistics, clearing', async () => {
    const translated = await send('/v1/prompts/translate', json({ prompt: '一只可爱的猫', enhance: true }))
    expect(translated).toMatchObject({
      status: 200,
      body: { original: '一只可爱的猫', language: 'zh', cached: false },
    })
    expect(await send('/v1/prompts/cache-stats')).toMatchObject({
      status: 200,
      body: { cache_entries: expect.any(Array) },
    })
    expect(await send('/v1/prompts/clear-cache', { method: 'POST' })).toMatchObject({
      status: 200,
      body: { success: true },
    })
  })
})

describe('administration', () => {
  test('status', async () => {
    const { status, body } = await admin('/admin/status')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      service: 'pictor',
      accounts: {
        total_keys: expect.any(Number),
        failed_count: 0,
        strategy: expect.any(String),
        next_reset_timestamp: expect.any(Number),
        keys: expect.arrayContaining([
          expect.objectContaining({ used_today: expect.any(Number), state: 'ready' }),
        ]),
      },
    })
    expect(JSON.stringify(body)).not.toContain('token-of-the-file')
  })

  test('SSO tokens: list, add, remove, reload, reset', async () => {
    const tokens = ['a-second-session-token-0123456789']
    expect(await admin('/admin/sso/add', 'POST', { tokens })).toMatchObject({
      status: 200,
      body: { success: true, data: { added: 1 } },
    })
    expect(await admin('/admin/sso/add', 'POST', { tokens })).toMatchObject({
      body: { data: { added: 0, duplicates: 1 } },
    })
    const { body } = await admin('/admin/sso/list')
    expect(body).toMatchObject({ success: true })
    expect(JSON.stringify(body)).toContain('"provider":"grok"')
    expect(JSON.stringify(body)).not.toContain(tokens[0])
    expect(await admin('/admin/sso/reload', 'POST')).toMatchObject({
      status: 200,
      body: { success: true, count: 1 },
    })
    expect(await admin('/admin/sso/reset-usage', 'POST')).toMatchObject({
      body: { success: true, message: '每日使用量已重置' },
    })
    expect(await admin('/admin/sso/remove', 'POST', { tokens })).toMatchObject({
      body: { success: true, data: { removed: 1 } },
    })
    expect(await admin('/admin/sso/add', 'POST', { tokens: ['not a token'] })).toMatchObject({
      status: 400,
      body: { param: 'tokens[0]' },
    })
    expect(await admin('/admin/sso/add', 'POST', { tokens, provider: 'nobody' })).toMatchObject({
      status: 400,
      body: { param: 'provider' },
    })
  })

  test('API keys: create, list, show, change, delete, statistics', async () => {
    const created = await admin('/admin/api-keys', 'POST', { name: 'Test', daily_limit: 2 })
    expect(created.body).toMatchObject({ message: 'API Key 创建成功，请妥善保管，此密钥只显示一次' })
    const [key = ''] = /sk-[\w-]+/.exec(JSON.stringify(created.body)) ?? []
    expect(key).not.toBe('')
    expect(JSON.stringify((await admin('/admin/api-keys')).body)).not.toContain(key)
    expect(await admin(`/admin/api-keys/${key}`)).toMatchObject({ status: 200 })
    const draw = () =>
      pictor.fetch(
        '/v1/images/generations',
        json({ model: 'demo', prompt: 'x', n: 2, size: '64x64' }, { authorization: `Bearer ${key}` }),
      )
    expect((await draw()).status).toBe(200)
    const refused = await draw()
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true])
    expect(await admin(`/admin/api-keys/${key}`, 'PUT', { daily_limit: null })).toMatchObject({ status: 200 })
    expect((await draw()).status).toBe(200)
    expect(await admin('/admin/api-keys-stats')).toMatchObject({ status: 200 })
    expect(await admin('/admin/usage?group=key')).toMatchObject({ status: 200 })
    expect(await admin(`/admin/api-keys/${key}`, 'DELETE')).toMatchObject({ status: 200 })
    expect((await draw()).status).toBe(401)
  })

  test('pictures: list and clear', async () => {
    expect(await admin('/admin/images/list?limit=5')).toMatchObject({ status: 200 })
    expect(await admin('/admin/images/clear', 'POST')).toMatchObject({ status: 200 })
    expect(JSON.stringify((await admin('/admin/images/list')).body)).not.toContain('/images/0')
  })
})
