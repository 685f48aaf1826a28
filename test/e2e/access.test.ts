import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, sdk, startPictor, startWithAnyModel, type TestGateway, type TestPictor } from '../pictor.ts'
import { ACCOUNT, cookieOf } from './admin.ts'
import { generateWith } from './ask.ts'

const ADMIN_KEY = 'admin-key-that-must-not-be-stored'
const ENVIRONMENT_KEY = 'master-key-that-must-not-be-stored'
let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel({
    API_KEY: ENVIRONMENT_KEY,
    ADMIN_KEY,
    WEBHOOK_SECRET: 'webhook-secret-that-must-not-be-stored',
  })
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

const models = (headers: Record<string, string>, { url }: TestPictor = pictor) =>
  fetch(`${url}/v1/models`, { headers })

describe('a key', () => {
  test('is needed on every route under /v1', async () => {
    const routes = [
      ['GET', '/v1/models'],
      ['GET', '/v1/models/demo'],
      ['POST', '/v1/images/generations'],
      ['POST', '/v1/images/edits'],
      ['POST', '/v1/images/variations'],
      ['GET', '/v1/images/jobs/x'],
      ['DELETE', '/v1/images/jobs/x'],
      ['GET', '/v1/no-such-route'],
    ] as const
    for (const [method, path] of routes) {
      const body = method === 'POST' ? json({ prompt: 'a cat' }) : {}
      const response = await fetch(`${pictor.url}${path}`, { ...body, method })
      expect([response.status, response.statusText], path).toEqual([401, 'Invalid API key'])
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
      expect(await response.json(), path).toEqual({
        error: {
          message: expect.stringContaining('API key'),
          type: 'authentication_error',
          code: 'invalid_api_key',
          param: null,
        },
      })
    }
    expect(pictor.upstream.requests.filter(({ method }) => method === 'POST')).toEqual([])
  })

  test('that is wrong, or sent in another way, is none', async () => {
    for (const authorization of [
      'Bearer wrong',
      `Bearer ${pictor.key}x`,
      `Bearer ${pictor.key.slice(0, -1)}`,
      'Bearer ',
      'Bearer',
      pictor.key,
      `Basic ${Buffer.from(`x:${pictor.key}`).toString('base64')}`,
    ]) {
      expect((await models({ authorization })).status, authorization).toBe(401)
    }
    expect((await models({ authorization: `bearer ${pictor.key}` })).status).toBe(200)
    const request = sdk(pictor.url, 'wrong').models.list()
    await expect(request).rejects.toThrow(OpenAI.AuthenticationError)
  })

  test('from the environment works beside the stored ones', async () => {
    expect((await models({ authorization: `Bearer ${ENVIRONMENT_KEY}` })).status).toBe(200)
    expect((await models({ authorization: `Bearer ${pictor.key}` })).status).toBe(200)
  })

  test('that was disabled is refused', async () => {
    const { id, secret } = await pictor.app.parts.keys.create({ name: 'disabled' })
    const { query } = pictor.app.parts.gateway.database
    await query.updateTable('api_key').set({ disabled_at: 1 }).where('id', '=', id).execute()
    expect((await models({ authorization: `Bearer ${secret}` })).status).toBe(401)
  })
})

test('a page of another origin may ask with its key', async () => {
  const origin = 'https://chat.example'
  const preflight = await fetch(`${pictor.url}/v1/images/generations`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,idempotency-key',
    },
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
  expect(preflight.headers.get('access-control-allow-headers')).toContain('authorization')
  for (const authorization of [`Bearer ${pictor.key}`, 'Bearer wrong']) {
    expect((await models({ origin, authorization })).headers.get('access-control-allow-origin')).toBe('*')
  }
  const deleting = await fetch(`${pictor.url}/v1/images/jobs/x`, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'DELETE' },
  })
  expect(deleting.headers.get('access-control-allow-methods')).toContain('DELETE')
})

test('AUTH=off needs no key, and takes a wrong one', async () => {
  await using open = await startPictor({ AUTH: 'off' })
  expect((await models({}, open)).status).toBe(200)
  const { data } = await generateWith(sdk(open.url, 'anything'), { prompt: 'a cat', size: '64x64' })
  expect((await fetch(data[0]?.url ?? '')).status).toBe(200)
})

test('nothing secret lies in the data directory', async () => {
  const { setupTokens } = pictor.app.parts.access
  const token = await setupTokens.issue()
  const reply = await fetch(`${pictor.url}/api/v1/admin/setup`, json({ ...ACCOUNT, setup: token }))
  const session = cookieOf(reply).split('=')[1] ?? ''
  const second = await setupTokens.issue()
  const body = { model: 'image-kept', prompt: 'a prompt to be found', size: '64x64' }
  for (const key of [pictor.key, ENVIRONMENT_KEY]) await generateWith(sdk(pictor.url, key), body)
  pictor.upstream.behave('image-failed', '401')
  await generateWith(pictor.openai, { ...body, model: 'image-failed' }).catch(() => undefined)

  const entries = await readdir(pictor.dataDirectory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const contents = await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name))))
  const holding = (text: string) =>
    files.filter((_, index) => contents[index]?.includes(text)).map(({ name }) => name)
  expect(holding('a prompt to be found')).not.toEqual([])
  const secrets = [
    pictor.key,
    ENVIRONMENT_KEY,
    'upstream-secret',
    'webhook-secret-that-must-not-be-stored',
    token,
    second,
    session,
    ACCOUNT.password,
    ADMIN_KEY,
  ]
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(10)
    // A few characters are kept, to tell keys apart.
    expect(holding(secret.slice(0, 11))).toEqual([])
  }
})
