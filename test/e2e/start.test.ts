import { once } from 'node:events'
import { access, mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { json } from '../pictor.ts'
import { runProcess, SERVER } from '../process.ts'
import { ACCOUNT } from './admin.ts'

let dataDirectory: string

beforeEach(async () => {
  dataDirectory = join(await mkdtemp(join(tmpdir(), 'pictor-start-')), 'data')
})

afterEach(() => rm(join(dataDirectory, '..'), { recursive: true, force: true }))

const WELCOME = /running at\s+(http:\S+)[\s\S]*\n\n/

/** What `npm start` runs. */
const npmStart = (env: Record<string, string> = {}) =>
  runProcess(process.execPath, ['scripts/start.mjs'], { env: { PORT: '0', DATA_DIR: dataDirectory, ...env } })

const startServer = (env: Record<string, string>) => runProcess(process.execPath, SERVER, { env })

test('the first start says where it is, the key and the admin link, and nothing else', async () => {
  await using first = npmStart()
  const [, url = ''] = await first.says(WELCOME)
  const [, key = ''] = /API key\s+(sk-\S+)/.exec(first.stdout()) ?? []
  const [, link = ''] = /Admin link\s+(http:\S+)/.exec(first.stdout()) ?? []
  expect(first.stdout()).toMatch(/Upstream\s+demo painter/)
  expect(first.stderr()).toBe('')

  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const init = { ...json({ prompt: 'a fox', size: '64x64' }), headers }
  expect((await fetch(`${url}/v1/images/generations`, init)).status).toBe(200)
  const setup = new URL(link).searchParams.get('setup')
  const made = await fetch(`${url}/api/v1/admin/setup`, json({ ...ACCOUNT, setup }))
  expect(made.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Lax/)

  first.child.kill('SIGTERM')
  expect(await first.ended).toBe(0)
  expect(first.stderr()).toBe('')
  expect(first.stdout()).not.toMatch(/warn|deprecat|experimental/i)
  expect(await textsIn(dataDirectory)).not.toContain(key)
})

/** What the database and its log hold, as text. */
async function textsIn(folder: string): Promise<string> {
  const texts = ['pictor.sqlite', 'pictor.sqlite-wal'].map((name) =>
    readFile(join(folder, name), 'latin1').catch(() => ''),
  )
  return (await Promise.all(texts)).join('')
}

test('the second start shows no key and no link, and the key of the first still works', async () => {
  let key = ''
  {
    await using first = npmStart()
    await first.says(WELCOME)
    const [, link = ''] = /Admin link\s+(http:\S+)/.exec(first.stdout()) ?? []
    const { origin, searchParams } = new URL(link)
    const account = { ...ACCOUNT, setup: searchParams.get('setup') }
    expect((await fetch(`${origin}/api/v1/admin/setup`, json(account))).status).toBe(200)
    key = /sk-\S+/.exec(first.stdout())?.[0] ?? ''
    first.child.kill('SIGINT')
    expect(await first.ended).toBe(0)
  }
  await using second = npmStart()
  const [, url = ''] = await second.says(WELCOME)
  expect(second.stdout()).not.toContain('sk-')
  expect(second.stdout()).toMatch(/Admin\s+sign in at http:\S+\/admin\n/)
  expect((await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status).toBe(200)
})

test('a port in use is said so, and how to take another', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  try {
    await using server = startServer({ PORT: String(port), DATA_DIR: dataDirectory })
    expect(await server.ended).toBe(1)
    expect(server.stderr()).toBe(
      `Port ${port} is in use. Stop what listens there, or set PORT to another one.\n`,
    )
    expect(server.stdout()).toBe('')
  } finally {
    other.close()
  }
})

test('wrong settings are all named, no secret is shown, and nothing starts', async () => {
  await using server = startServer({
    DATA_DIR: dataDirectory,
    PORT: 'eighty',
    LOG_LEVEL: 'loud',
    TZ: 'Mars/Olympus',
    AUTH: 'perhaps',
    API_KEY: 'sk with spaces',
    SECRET_KEY: 'short-secret',
    DATABASE_URL: 'oracle://me:hidden@host/name',
    OPENAI_BASE_URL: 'not a url',
    RELAY_ENABLED: 'true',
    GENERATION_TIMEOUT: '0',
    WORKERS: '-1',
    QUEUE_LIMIT: '1e9',
    IMAGES_DEFAULT_FORMAT: 'bmp',
    DEFAULT_ASPECT_RATIO: '7:3',
    ALLOW_EXTERNAL_IMAGES: 'maybe',
    TRUST_PROXY: 'everyone',
  })
  expect(await server.ended).toBe(1)
  expect(server.stdout()).toBe('')
  const [head, ...lines] = server.stderr().trim().split('\n')
  expect(head).toBe('16 settings are wrong, so nothing was started:')
  const named = lines.map((line) => /^ {2}([A-Z_]+): .*expected/.exec(line)?.[1])
  expect(named.toSorted()).toEqual([
    'ALLOW_EXTERNAL_IMAGES',
    'API_KEY',
    'AUTH',
    'DATABASE_URL',
    'DEFAULT_ASPECT_RATIO',
    'GENERATION_TIMEOUT',
    'IMAGES_DEFAULT_FORMAT',
    'LOG_LEVEL',
    'OPENAI_BASE_URL',
    'PORT',
    'QUEUE_LIMIT',
    'RELAY_BASE_URL',
    'SECRET_KEY',
    'TRUST_PROXY',
    'TZ',
    'WORKERS',
  ])
  for (const secret of ['sk with spaces', 'short-secret', 'hidden'])
    expect(server.stderr()).not.toContain(secret)
  await expect(access(dataDirectory)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('an open server on a public address is refused', async () => {
  await using server = startServer({ DATA_DIR: dataDirectory, PORT: '0', AUTH: 'off', HOST: '0.0.0.0' })
  expect(await server.ended).toBe(1)
  expect(server.stderr()).toMatch(/AUTH.*AUTH_OFF_PUBLIC/)
})

test('a database that cannot be reached is said so, without its password', async () => {
  const DATABASE_URL = 'postgres://me:hidden@127.0.0.1:1/pictor'
  await using server = startServer({ DATA_DIR: dataDirectory, PORT: '0', DATABASE_URL })
  expect(await server.ended).toBe(1)
  expect(server.stderr()).toMatch(
    /cannot open the database postgres:\/\/127\.0\.0\.1:1\/pictor: .*ECONNREFUSED/,
  )
  expect(server.stderr()).not.toContain('hidden')
})

test('a data directory that cannot be made is said so', async () => {
  await using server = startServer({ DATA_DIR: '/dev/null/data', PORT: '0' })
  expect(await server.ended).toBe(1)
  expect(server.stderr()).toMatch(/ENOTDIR.*\/dev\/null/)
})
