import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, startPictor, type TestPictor } from '../pictor.ts'
import { ACCOUNT, cookieOf, SAME_SITE, signIn } from './admin.ts'
import { anyClient } from './batch.ts'

const DAY = 24 * 60 * 60 * 1000
const ADMIN_KEY = 'admin-key-0123456789'
const BEHIND = { TRUST_PROXY: 'loopback' }
/** A route that needs the admin and tells who it is. */
const GUARDED = '/api/v1/admin/no-such-route'

let now = Date.UTC(2026, 10, 24)
const world = { clock: { now: () => now } }

/** One whose strangers each have an address of their own. */
const start = (env: Record<string, string> = {}) => startPictor({ ...BEHIND, ...env }, world)

const ask = ({ url }: TestPictor, path: string, init: RequestInit = {}) =>
  fetch(`${url}${path}`, { ...init, headers: { ...anyClient(), ...(init.headers as object) } })
const post = (pictor: TestPictor, name: string, body: unknown, headers: Record<string, string> = {}) =>
  ask(pictor, `/api/v1/admin/${name}`, json(body, headers))
const statusOf = async (pictor: TestPictor, headers: Record<string, string> = {}) =>
  (await ask(pictor, '/api/v1/admin/status', { headers })).json()
/** Who gets through the guard finds nothing there. */
const isLetIn = async (pictor: TestPictor, headers: Record<string, string>) =>
  (await ask(pictor, GUARDED, { headers })).status === 404

describe('the first account', () => {
  let pictor: TestPictor
  beforeAll(async () => {
    pictor = await start()
  })
  afterAll(() => pictor?.[Symbol.asyncDispose]())

  test('is made with the token of the link alone, and once', async () => {
    expect(await statusOf(pictor)).toEqual({ needs_setup: true, signed_in: false })
    for (const body of [ACCOUNT, { ...ACCOUNT, setup: 'wrong' }, { ...ACCOUNT, setup: '' }]) {
      const refused = await post(pictor, 'setup', body)
      expect([refused.status, await refused.json()]).toEqual([
        403,
        { code: 403, message: '设置链接缺失、错误或已失效，服务器启动时会显示新的链接' },
      ])
      expect(refused.headers.has('set-cookie')).toBe(false)
    }
    const setup = await pictor.app.parts.access.setupTokens.issue()
    const made = await post(pictor, `setup?setup=${setup}`, ACCOUNT)
    expect([made.status, await made.json()]).toEqual([
      200,
      { success: true, message: '管理员账户已创建', username: 'admin' },
    ])
    const cookie = cookieOf(made)
    expect(await statusOf(pictor, { cookie })).toEqual({
      needs_setup: false,
      signed_in: true,
      username: 'admin',
      locked: false,
    })
    const again = await pictor.app.parts.access.setupTokens.issue()
    const twice = await post(pictor, 'setup', { ...ACCOUNT, setup: again }, { 'accept-language': 'en' })
    expect([twice.status, await twice.json()]).toEqual([
      409,
      { code: 409, message: 'The admin account has been made already: sign in.' },
    ])
  })

  test.each([
    [{ username: 'ab', password: 'long enough', setup: 'x' }, 'username'],
    [{ username: ' admin', password: 'long enough', setup: 'x' }, 'username'],
    [{ username: 'ad\nmin', password: 'long enough', setup: 'x' }, 'username'],
    [{ username: 'x'.repeat(65), password: 'long enough', setup: 'x' }, 'username'],
    [{ username: 'admin', password: 'short', setup: 'x' }, 'password'],
    [{ username: 'admin', setup: 'x' }, 'password'],
    [{ username: 'admin', password: 12345678901 }, undefined],
    ['admin', 'body'],
  ])('with a bad name or password is refused (%#)', async (body, param) => {
    const refused = await post(pictor, 'setup', body)
    const answer = (await refused.json()) as { param?: string }
    // A number is read as its digits, so only the missing link is wrong with it.
    if (param === undefined) expect(refused.status).toBe(409)
    else expect([refused.status, answer.param]).toEqual([400, param])
  })
})

describe('the page at /admin', () => {
  const page = async (pictor: TestPictor, query = '', headers: Record<string, string> = {}) => {
    const reply = await fetch(`${pictor.url}/admin${query}`, { headers, redirect: 'manual' })
    return { reply, html: await reply.text() }
  }

  test('makes the account while the link is good, and says kindly when it is not', async () => {
    await using pictor = await start()
    const { setupTokens } = pictor.app.parts.access
    const setup = await setupTokens.issue()
    for (let visit = 0; visit < 2; visit += 1)
      expect((await page(pictor, `?setup=${setup}`)).html).toContain('Make the account')
    expect((await page(pictor)).html).toContain('Open the admin link')
    expect((await page(pictor, '?setup=wrong')).html).toContain('wrong or outdated')
    expect((await page(pictor, '?setup=a&setup=b')).html).toContain('wrong or outdated')
    const renewed = await setupTokens.issue()
    expect((await page(pictor, `?setup=${setup}`)).html).toContain('wrong or outdated')

    await post(pictor, 'setup', { ...ACCOUNT, setup: renewed })
    const { html } = await page(pictor, `?setup=${renewed}`)
    expect(html).toContain('has done its work')
    expect(html).toContain('data-action="/api/v1/admin/login"')
    const cookie = cookieOf(await post(pictor, 'login', ACCOUNT))
    const { reply } = await page(pictor, '', { cookie })
    expect([reply.status, reply.headers.get('location')]).toEqual([302, '/'])
  })

  test('runs the one script of ours and no other, and is kept nowhere', async () => {
    await using pictor = await start()
    const { reply } = await page(pictor, `?setup=${await pictor.app.parts.access.setupTokens.issue()}`)
    expect(reply.headers.get('content-security-policy')).toMatch(/script-src 'sha256-[\w+/]+={0,2}';/)
    expect(reply.headers.get('cache-control')).toBe('no-store')
    expect(reply.headers.get('referrer-policy')).toBe('no-referrer')
  })
})

describe('a session', () => {
  test('has a cookie out of reach of scripts and other sites, for https alone where there is https', async () => {
    await using pictor = await start()
    const setup = await pictor.app.parts.access.setupTokens.issue()
    const made = await post(pictor, 'setup', { ...ACCOUNT, setup })
    const attributes = (reply: Response) => (reply.headers.get('set-cookie') ?? '').split('; ').slice(1)
    expect(attributes(made)).toEqual([`Max-Age=${(30 * DAY) / 1000}`, 'Path=/', 'HttpOnly', 'SameSite=Lax'])
    const secure = await post(pictor, 'login', ACCOUNT, { 'x-forwarded-proto': 'https' })
    expect(attributes(secure)).toContain('Secure')
    await using published = await start({ PUBLIC_URL: 'https://pictures.example', ...ENVIRONMENT })
    expect(attributes(await post(published, 'login', OPERATOR))).toContain('Secure')
  })

  test('ends with logout, here alone', async () => {
    await using pictor = await start()
    const here = await signIn(pictor)
    const there = { ...SAME_SITE, cookie: cookieOf(await post(pictor, 'login', ACCOUNT)) }
    const reply = await post(pictor, 'logout', {}, here)
    expect([reply.status, await reply.json()]).toEqual([200, { success: true, message: '已退出登录' }])
    expect(reply.headers.get('set-cookie')).toMatch(/^pictor_session=; Max-Age=0;|Expires=Thu, 01 Jan 1970/)
    expect([await isLetIn(pictor, here), await isLetIn(pictor, there)]).toEqual([false, true])
    expect((await post(pictor, 'logout', {}, here)).status).toBe(200)
    expect((await ask(pictor, '/api/v1/admin/logout', { method: 'POST' })).status).toBe(200)
  })

  test('is given up for the new one of the same browser', async () => {
    await using pictor = await start()
    const before = await signIn(pictor)
    const after = cookieOf(await post(pictor, 'login', ACCOUNT, before))
    expect(after).not.toBe(before.cookie)
    expect([await isLetIn(pictor, before), await isLetIn(pictor, { cookie: after })]).toEqual([false, true])
  })

  test('lasts thirty days from its last use, and the browser hears of it', async () => {
    await using pictor = await start()
    const headers = await signIn(pictor)
    now += DAY / 2
    expect((await ask(pictor, GUARDED, { headers })).headers.has('set-cookie')).toBe(false)
    now += DAY
    const extended = await ask(pictor, GUARDED, { headers })
    expect(extended.headers.get('set-cookie')).toContain(`${headers.cookie}; Max-Age=2592000`)
    now += 30 * DAY - 1
    expect(await isLetIn(pictor, headers)).toBe(true)
    now += 30 * DAY
    expect(await isLetIn(pictor, headers)).toBe(false)
    expect(await statusOf(pictor, headers)).toEqual({ needs_setup: false, signed_in: false })
  })

  test('outlives a restart, as the account does', async () => {
    const DATA_DIR = await mkdtemp(join(tmpdir(), 'pictor-session-'))
    let headers = {}
    {
      await using first = await start({ DATA_DIR })
      headers = await signIn(first)
    }
    await using second = await start({ DATA_DIR })
    expect(await isLetIn(second, headers)).toBe(true)
    expect((await post(second, 'login', ACCOUNT)).status).toBe(200)
    await rm(DATA_DIR, { recursive: true })
  })

  test('ends with a new password, but for the one that changed it', async () => {
    await using pictor = await start()
    const here = await signIn(pictor)
    const there = { ...SAME_SITE, cookie: cookieOf(await post(pictor, 'login', ACCOUNT)) }
    const change = (body: object, headers = here) => post(pictor, 'password', body, headers)
    const wrong = await change({ old: 'not the password', new: 'a better password' })
    expect([wrong.status, await wrong.json()]).toEqual([401, { code: 401, message: '用户名或密码错误' }])
    expect(await (await change({ old: ACCOUNT.password, new: 'short' })).json()).toMatchObject({
      code: 400,
      param: 'new',
    })
    const changed = await change({ old: ACCOUNT.password, new: 'a better password' })
    expect(changed.status).toBe(200)
    expect([await isLetIn(pictor, here), await isLetIn(pictor, there)]).toEqual([false, false])
    expect(await isLetIn(pictor, { cookie: cookieOf(changed) })).toBe(true)
    expect((await post(pictor, 'login', ACCOUNT)).status).toBe(401)
    expect((await post(pictor, 'login', { ...ACCOUNT, password: 'a better password' })).status).toBe(200)
  })
})

describe('logins', () => {
  const from = (address: string) => ({ 'x-forwarded-for': address })

  test('a wrong name and a wrong password look the same', async () => {
    await using pictor = await start()
    await signIn(pictor)
    for (const body of [
      { ...ACCOUNT, password: 'wrong' },
      { ...ACCOUNT, username: 'nobody' },
      { ...ACCOUNT, username: 'ADMIN' },
      { username: '', password: '' },
      { username: '\0', password: '\0' },
    ]) {
      const reply = await post(pictor, 'login', body)
      expect([reply.status, await reply.json()]).toEqual([401, { code: 401, message: '用户名或密码错误' }])
      expect(reply.headers.has('set-cookie')).toBe(false)
    }
  })

  test('five wrong ones lock the name for that address for a while, and nobody else', async () => {
    const DATA_DIR = await mkdtemp(join(tmpdir(), 'pictor-lock-'))
    const [attacker, admin] = [from('203.0.113.1'), from('203.0.113.2')]
    const wrong = { ...ACCOUNT, password: 'a guess' }
    {
      await using pictor = await start({ DATA_DIR })
      await signIn(pictor)
      for (let guess = 0; guess < 5; guess += 1)
        expect((await post(pictor, 'login', wrong, attacker)).status).toBe(401)
    }
    await using pictor = await start({ DATA_DIR })
    const locked = await post(pictor, 'login', ACCOUNT, attacker)
    expect([locked.status, locked.headers.get('retry-after'), await locked.json()]).toEqual([
      429,
      '900',
      { code: 429, message: '登录失败次数过多，请稍后再试' },
    ])
    expect((await post(pictor, 'login', ACCOUNT, admin)).status).toBe(200)
    expect((await post(pictor, 'login', { ...wrong, username: 'other' }, attacker)).status).toBe(401)
    now += 15 * 60 * 1000
    expect((await post(pictor, 'login', ACCOUNT, attacker)).status).toBe(200)
    await rm(DATA_DIR, { recursive: true })
  })

  test('a stranger may not ask without end, the admin may', async () => {
    await using pictor = await start()
    const headers = await signIn(pictor)
    const address = from('203.0.113.7')
    const statuses = async (init: RequestInit, path: string) =>
      Promise.all(Array.from({ length: 30 }, async () => (await ask(pictor, path, init)).status))
    const refused = (all: number[]) => all.filter((status) => status === 429).length
    expect(refused(await statuses({ headers: { ...headers, ...address } }, GUARDED))).toBe(0)
    expect(refused(await statuses({ headers: address }, GUARDED))).toBe(10)
    expect((await post(pictor, 'login', ACCOUNT, address)).status).toBe(429)
  })
})

describe('a change that a session asks for', () => {
  let pictor: TestPictor
  let cookie = ''
  beforeAll(async () => {
    pictor = await start({ ADMIN_KEY, PUBLIC_URL: 'https://pictures.example' })
    cookie = (await signIn(pictor)).cookie ?? ''
  })
  afterAll(() => pictor?.[Symbol.asyncDispose]())
  const change = async (headers: Record<string, string>, path = GUARDED) =>
    (await ask(pictor, path, { method: 'POST', headers })).status

  test('must come from a page of ours', async () => {
    const own = new URL(pictor.url).origin
    const fine: Record<string, string>[] = [
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
      { origin: own },
      { origin: 'https://pictures.example' },
      { origin: own, 'sec-fetch-site': 'same-origin' },
    ]
    for (const headers of fine)
      expect(await change({ ...headers, cookie }), JSON.stringify(headers)).toBe(404)
    const foreign: Record<string, string>[] = [
      {},
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site', origin: own },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: '' },
      { origin: 'http://127.0.0.1:1' },
      { referer: own },
    ]
    for (const headers of foreign) {
      expect(await change({ ...headers, cookie }), JSON.stringify(headers)).toBe(403)
      expect(await change({ ...headers, cookie }, '/api/v1/admin/logout'), JSON.stringify(headers)).toBe(403)
    }
    expect(await isLetIn(pictor, { cookie })).toBe(true)
  })

  test('cannot be asked by a form', async () => {
    const setup = await pictor.app.parts.access.setupTokens.issue()
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      const body = JSON.stringify({ ...ACCOUNT, setup })
      const reply = await ask(pictor, '/api/v1/admin/login', {
        method: 'POST',
        headers: { 'content-type': type },
        body,
      })
      expect(reply.status, type).toBe(400)
    }
  })

  test('cannot be asked with another origin’s script, nor its answer read', async () => {
    const preflight = await ask(pictor, '/api/v1/admin/login', {
      method: 'OPTIONS',
      headers: {
        origin: 'https://evil.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    })
    expect(preflight.headers.has('access-control-allow-origin')).toBe(false)
    const headers = { origin: 'https://evil.example', authorization: `Bearer ${ADMIN_KEY}` }
    expect((await ask(pictor, GUARDED, { headers })).headers.has('access-control-allow-origin')).toBe(false)
  })

  test('with the admin key comes from a program and may come from anywhere', async () => {
    const headers = { authorization: `Bearer ${ADMIN_KEY}`, origin: 'https://evil.example' }
    expect(await change(headers)).toBe(404)
    expect((await post(pictor, 'password', { old: 'x', new: 'long enough' }, headers)).status).toBe(401)
  })
})

describe('the admin key', () => {
  test('opens the admin routes alone, and no other key does', async () => {
    await using pictor = await start({ ADMIN_KEY, API_KEY: 'client-key-0123456789' })
    const letIn = (key: string) => isLetIn(pictor, { authorization: `Bearer ${key}` })
    expect(await letIn(ADMIN_KEY)).toBe(true)
    for (const key of ['client-key-0123456789', pictor.key, `${ADMIN_KEY}x`, ADMIN_KEY.slice(1), ''])
      expect(await letIn(key), key).toBe(false)
    const models = await fetch(`${pictor.url}/v1/models`, {
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    })
    expect(models.status).toBe(401)
  })

  test('is none where none is set, whatever AUTH says', async () => {
    await using pictor = await start({ AUTH: 'off' })
    for (const headers of [{}, { authorization: 'Bearer undefined' }, { authorization: 'Bearer ' }]) {
      const reply = await ask(pictor, GUARDED, { headers: headers as Record<string, string> })
      expect([reply.status, reply.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    }
  })
})

const OPERATOR = { username: 'operator', password: 'from the environment' }
const ENVIRONMENT = { ADMIN_USERNAME: OPERATOR.username, ADMIN_PASSWORD: OPERATOR.password }

describe('the account of the environment', () => {
  test('is there from the start, replaces another, and cannot be changed here', async () => {
    const DATA_DIR = await mkdtemp(join(tmpdir(), 'pictor-operator-'))
    let before = {}
    {
      await using first = await start({ DATA_DIR })
      before = await signIn(first)
    }
    {
      await using pictor = await start({ DATA_DIR, ...ENVIRONMENT })
      expect(await statusOf(pictor, before)).toEqual({ needs_setup: false, signed_in: false })
      expect((await post(pictor, 'login', ACCOUNT)).status).toBe(401)
      const headers = { ...SAME_SITE, cookie: cookieOf(await post(pictor, 'login', OPERATOR)) }
      expect(await statusOf(pictor, headers)).toMatchObject({ username: 'operator', locked: true })
      const refused = await post(
        pictor,
        'password',
        { old: OPERATOR.password, new: 'something else' },
        headers,
      )
      expect([refused.status, await refused.json()]).toEqual([
        409,
        {
          code: 409,
          message: 'password 由服务器环境变量 ADMIN_PASSWORD 设定，只能在那里修改。',
          param: 'password',
        },
      ])
      before = headers
    }
    await using same = await start({ DATA_DIR, ...ENVIRONMENT })
    expect(await isLetIn(same, before)).toBe(true)
    await rm(DATA_DIR, { recursive: true })
  })
})
