import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { startWithAnyModel, type TestGateway } from '../pictor.ts'
import { signIn } from './admin.ts'
import { generateWith } from './ask.ts'
import { eventually } from './evidence.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel()
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${pictor.url}${path}`, { headers, redirect: 'manual' })

test('GET /api says what this is', async () => {
  const response = await get('/api')
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual({
    service: 'pictor',
    version: packageJson.version,
    status: 'running',
    docs: '/docs',
  })
})

test('GET /health checks the database and the storage', async () => {
  const response = await get('/health')
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual({
    status: 'healthy',
    version: packageJson.version,
    checks: { database: { ok: true }, storage: { ok: true } },
  })
})

test('GET /metrics counts requests and pictures', async () => {
  pictor.upstream.behave('image-counted', 'b64')
  await generateWith(pictor.openai, { model: 'image-counted', prompt: 'a cat', size: '64x64' })
  // A request is counted a moment after its answer was sent.
  const text = await eventually(async () => {
    const response = await get('/metrics')
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
    const figures = await response.text()
    return /route="\/v1\/images\/generations".*\} \d/.test(figures) ? figures : undefined
  })
  expect(text).toMatch(/model="image-counted".*outcome="ok"\} 1/)
  for (const line of text.split('\n')) expect(line).toMatch(/^(#.*|[a-z_:][a-z0-9_:]*(\{.*\})? \S+|)$/i)
})

test('every answer has an id of its own', async () => {
  const paths = [
    '/',
    '/api',
    '/health',
    '/metrics',
    '/images/x',
    '/v1/models',
    '/no-such-page',
    '/openapi.json',
  ]
  const ids = await Promise.all(paths.map(async (path) => (await get(path)).headers.get('x-request-id')))
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{12}-[0-9a-z]+$/)
  expect(new Set(ids).size).toBe(paths.length)
})

test('what there is not is 404 in the shape of its surface', async () => {
  const own = await get('/no-such-page')
  expect(own.status).toBe(404)
  expect(await own.json()).toMatchObject({ code: 404, message: expect.any(String) })
  const openai = await pictor.fetch('/v1/no-such-route')
  expect(openai.status).toBe(404)
  expect(await openai.json()).toMatchObject({ error: { code: 'not_found', type: 'invalid_request_error' } })
})

describe('the page', () => {
  test('tells a stranger how it is, and shows no picture', async () => {
    await generateWith(pictor.openai, { model: 'image-shown', prompt: 'a <b>secret</b> cat', size: '64x64' })
    const response = await get('/')
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const html = await response.text()
    expect(html).toContain('Pictor')
    expect(html).toContain('Healthy')
    expect(html).not.toContain('cat')
    expect(html).not.toContain('/images/')
  })

  test('shows the last pictures to the admin alone', async () => {
    await generateWith(pictor.openai, { model: 'image-shown', prompt: 'a <b>secret</b> cat', size: '64x64' })
    const { cookie = '' } = await signIn(pictor)
    const html = await (await get('/', { cookie })).text()
    expect(html).toMatch(/<img src="\/images\/[0-9a-f-]{36}\/thumbnail"/)
    expect(html).not.toContain('<b>')
    expect(await (await get('/', { cookie: `${cookie}x` })).text()).not.toContain('/images/')
  })
})

describe('the API reference', () => {
  interface Operation {
    summary?: string
    security?: unknown[]
    responses: Record<string, unknown>
  }
  const load = async () =>
    (await (await get('/openapi.json')).json()) as {
      openapi: string
      paths: Record<string, Record<string, Operation>>
    }

  test('is valid OpenAPI', async () => {
    const { valid, errors } = await new Validator().validate({ ...(await load()) })
    expect(errors ?? []).toEqual([])
    expect(valid).toBe(true)
  })

  test('has every route, each with a summary and an answer', async () => {
    const { paths } = await load()
    const routes = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(routes.sort()).toEqual(
      [
        'GET /v1/models',
        'GET /v1/models/{id}',
        'POST /v1/images/generations',
        'POST /v1/chat/completions',
        'POST /v1/images/edits',
        'POST /v1/images/edit',
        'POST /v1/images/variations',
        'POST /v1/prompts/translate',
        'GET /v1/prompts/cache-stats',
        'POST /v1/prompts/clear-cache',
        'GET /v1/images/jobs/{id}',
        'DELETE /v1/images/jobs/{id}',
        'GET /v1beta/models',
        'GET /v1beta/models/{model}',
        'POST /v1beta/models/{model}:generateContent',
        'POST /v1beta/models/{model}:streamGenerateContent',
        'POST /v1beta/models/{model}:predict',
        'POST /api/v1/generate/batch',
        'POST /api/v1/generate/batch-with-images',
        'GET /api/v1/generate/status/{taskId}',
        'POST /api/v1/generate/cancel/{taskId}',
        'POST /api/v1/generate/retry/{taskId}',
        'GET /api/v1/history',
        'GET /api/v1/history/search',
        'GET /api/v1/history/{id}',
        'DELETE /api/v1/history/{id}',
        'DELETE /api/v1/history/batch',
        'GET /api/v1/health',
        'GET /images/{name}',
        'GET /images/{name}/thumbnail',
        'GET /api/v1/images/{id}',
        'GET /api/v1/images/{id}/download',
        'GET /api/v1/images/{id}/thumbnail',
        'POST /api/v1/images/export',
        'DELETE /api/v1/images/{id}',
        'GET /api/v1/admin/status',
        'POST /api/v1/admin/setup',
        'POST /api/v1/admin/login',
        'POST /api/v1/admin/logout',
        'POST /api/v1/admin/password',
        'GET /api/v1/admin/settings',
        'POST /api/v1/admin/settings',
        'GET /api/v1/admin/stats',
        'GET /api/v1/admin/images',
        'POST /api/v1/admin/images/batch-delete',
        'GET /admin/status',
        'GET /admin/images/list',
        'POST /admin/images/clear',
        'DELETE /admin/images/clear',
        'POST /api/v1/admin/settings/test-r2',
        'POST /api/v1/admin/upload-pending',
        'POST /api/v1/admin/retry-uploads',
        'POST /api/v1/admin/clear-all-local',
        'GET /api/v1/admin/jobs',
        'POST /api/v1/admin/jobs/{name}/run',
        'GET /admin/sso/list',
        'POST /admin/sso/add',
        'POST /admin/sso/remove',
        'POST /admin/sso/reload',
        'POST /admin/sso/reset-usage',
        'POST /admin/api-keys',
        'GET /admin/api-keys',
        'GET /admin/api-keys/{key}',
        'PUT /admin/api-keys/{key}',
        'DELETE /admin/api-keys/{key}',
        'GET /admin/api-keys-stats',
        'GET /admin/usage',
        'GET /api',
        'GET /health',
        'GET /metrics',
      ].sort(),
    )
    for (const operation of Object.values(paths).flatMap((operations) => Object.values(operations))) {
      expect(operation.summary).toBeTruthy()
      expect(Object.keys(operation.responses)).not.toEqual([])
    }
  })

  const ENTRANCES = new Set(['status', 'setup', 'login', 'logout'].map((name) => `/api/v1/admin/${name}`))
  const securityOf = (method: string, path: string) => {
    if (path.startsWith('/v1beta/')) return [{ googleKey: [] }, { apiKey: [] }]
    if (ENTRANCES.has(path)) return undefined
    if (/^\/(api\/v1\/)?admin\//.test(path)) return [{ adminSession: [] }, { adminKey: [] }]
    // Who knows the id of a picture may see it.
    if (path === '/api/v1/health' || (method === 'get' && path.startsWith('/api/v1/images/')))
      return undefined
    return /^\/(api\/)?v1\//.test(path) ? [{ apiKey: [] }] : undefined
  }

  test('says which routes need the key', async () => {
    for (const [path, operations] of Object.entries((await load()).paths)) {
      for (const [method, { security }] of Object.entries(operations)) {
        expect(security, `${method} ${path}`).toEqual(securityOf(method, path))
      }
    }
  })

  test('has a page that fetches nothing from elsewhere', async () => {
    const page = await fetch(`${pictor.url}/docs`)
    expect(page.status).toBe(200)
    const html = await page.text()
    expect(html).toContain('swagger-ui')
    expect(html).not.toMatch(/(src|href)="(https?:)?\/\//)
    const scripts = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path)
    for (const path of scripts) {
      const asset = await fetch(new URL(path, `${pictor.url}/docs/`))
      expect([asset.status, (await asset.bytes()).length > 0], path).toEqual([200, true])
    }
  })
})
