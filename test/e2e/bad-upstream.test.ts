import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { ERRORS, type ErrorCode } from '../../contract/errors.ts'
import { resetUsage } from '../../src/gateway/manage-accounts.ts'
import { json, startPictor, type TestPictor } from '../pictor.ts'
import { startPictorProcess } from '../process.ts'
import { countRows, findOrphans } from '../traces.ts'
import { type Behaviour, type FakeOpenAi, startFakeOpenAi } from '../upstreams/openai.ts'

const UPSTREAM_KEY = 'upstream-secret-0123456789'

let upstream: FakeOpenAi
let pictor: TestPictor

beforeAll(async () => {
  upstream = await startFakeOpenAi({ apiKey: UPSTREAM_KEY })
  // Without a list every model is asked for, so each test has one of its own and none waits for another's cool-down.
  upstream.models = undefined
  const env = { OPENAI_BASE_URL: upstream.url, OPENAI_API_KEY: UPSTREAM_KEY, GENERATION_TIMEOUT: '1' }
  pictor = await startPictor(env)
})

afterAll(async () => {
  await pictor[Symbol.asyncDispose]()
  await upstream.close()
})
// One test refuses the key for good; the others need it.
afterEach(() => resetUsage(pictor.app.parts.gateway))

const draw = (model: string, body: Record<string, unknown> = {}) =>
  pictor.fetch('/v1/images/generations', json({ model, prompt: 'a fox', ...body }))

const callsFor = (model: string) => upstream.requests.filter(({ body }) => body.model === model)

const expectNothingLeft = () =>
  vi.waitFor(async () => {
    const { database } = pictor.app.parts.gateway
    expect(await findOrphans({ dataDirectory: pictor.dataDirectory, database })).toEqual([])
  })

/** The last task, as history will show it. */
const lastTask = () =>
  pictor.app.parts.gateway.database.query
    .selectFrom('task')
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow()

test.each<[Behaviour, ErrorCode, RegExp, number]>([
  ['401', 'upstream_auth', /operator/, 1],
  ['403', 'upstream_auth', /operator/, 1],
  ['429-retry-after', 'rate_limit_exceeded', /Rate limit reached/, 1],
  ['429-quota', 'insufficient_quota', /quota/, 1],
  ['500', 'upstream_error', /had an error/, 1],
  ['503', 'upstream_overloaded', /Overloaded/, 2],
  ['html-200', 'upstream_error', /Welcome/, 1],
  ['html-502', 'upstream_overloaded', /502 Bad Gateway/, 2],
  ['html-524', 'upstream_timeout', /524/, 1],
  ['error-in-200', 'upstream_overloaded', /overloaded/, 2],
  ['empty-data', 'no_image', /./, 1],
  ['no-data', 'no_image', /./, 1],
  ['not-json', 'upstream_error', /./, 1],
  ['cut', 'upstream_unreachable', /./, 1],
  ['reset', 'upstream_unreachable', /./, 1],
  ['hang', 'upstream_timeout', /no complete answer within/, 1],
  [{ name: 'b64', over: 10_000 }, 'upstream_timeout', /no complete answer within/, 1],
  ['truncated-png', 'upstream_error', /end/, 1],
  ['bomb-png', 'upstream_error', /50000×50000/, 1],
  ['svg', 'upstream_error', /./, 1],
  ['bad-base64', 'upstream_error', /base64/, 1],
  ['url-html', 'upstream_error', /./, 1],
  ['url-other-origin', 'upstream_error', /not public/, 1],
  ['moderation-400', 'content_policy_violation', /safety system/, 1],
  ['moderation-403', 'content_policy_violation', /content policy/, 1],
  ['xai-moderated', 'content_policy_violation', /./, 1],
  ['404-model', 'invalid_value', /does not exist/, 1],
])(
  'an upstream that answers %j is %s',
  async (behaviour, code, says, calls) => {
    const name = typeof behaviour === 'string' ? behaviour : `slow-${behaviour.name}`
    const model = `gpt-image-1-${name}`
    upstream.behave(model, behaviour)
    const before = await countRows(pictor.app.parts.gateway.database)
    const reply = await draw(model)
    const body = await reply.json()
    const { status, type, reason } = ERRORS[code]
    expect(body).toMatchObject({ error: { message: expect.stringMatching(says), type } })
    if (code !== 'content_policy_violation') expect(body).toMatchObject({ error: { code } })
    expect({ status: reply.status, reason: reply.statusText }).toEqual({ status, reason })
    expect(JSON.stringify(body)).not.toContain(UPSTREAM_KEY)
    // Whether it is asked again does not depend on luck: never where the first call may have been paid for.
    expect(callsFor(model)).toHaveLength(calls)
    await expectNothingLeft()
    const counts = await countRows(pictor.app.parts.gateway.database)
    expect(counts).toEqual({ ...before, task: before.task + 1 })
    const task = await lastTask()
    expect(task).toMatchObject({ status: 'failed', completed: 0, failed: 1 })
    expect(JSON.stringify(task)).not.toContain(UPSTREAM_KEY)
    // What is wrong with the key is wrong for every model.
    expect((await draw('gpt-image-1')).status).toBe(behaviour === '401' ? 502 : 200)
  },
  20_000,
)

test('Retry-After goes on to the client, also while the key rests and is not asked', async () => {
  const model = 'gpt-image-1-resting'
  upstream.behave(model, '429-retry-after')
  const first = await draw(model)
  expect(Number(first.headers.get('retry-after'))).toBe(7)
  const second = await draw(model)
  expect({ status: second.status, reason: second.statusText }).toEqual({
    status: 429,
    reason: 'Rate limit exceeded',
  })
  const wait = Number(second.headers.get('retry-after'))
  expect(wait).toBeGreaterThan(0)
  expect(wait).toBeLessThanOrEqual(7)
  expect(callsFor(model)).toHaveLength(1)
})

test('the parameter that the upstream blames is named', async () => {
  const model = 'gpt-image-1-blame'
  upstream.behave(model, '400-invalid-value')
  const reply = await draw(model, { size: '512x512' })
  expect(reply.status).toBe(400)
  expect(await reply.json()).toMatchObject({ error: { code: 'invalid_value', param: 'size' } })
})

test('some pictures of several fail: the good ones are kept and returned, with a warning', async () => {
  const model = 'gpt-image-1-half'
  upstream.behave(model, 'half-broken')
  const reply = await draw(model, { n: 2, response_format: 'url' })
  expect(reply.status).toBe(200)
  const body = await reply.json()
  expect(body).toMatchObject({ warnings: [{ param: 'n', message: expect.stringMatching(/^1 of 2/) }] })
  expect((body as { data: unknown[] }).data).toHaveLength(1)
  expect(await lastTask()).toMatchObject({ status: 'partial', completed: 1, failed: 1 })
  await expectNothingLeft()
})

test('a stream that breaks after a preview tells so in an event', async () => {
  const model = 'gpt-image-1-stream'
  upstream.behave(model, 'sse-error')
  const refused = await draw(model, { stream: true, partial_images: 1 })
  expect(refused.status).toBe(502)
  upstream.behave(`${model}-cut`, { name: 'sse-cut', over: 500 })
  const reply = await draw(`${model}-cut`, { stream: true, partial_images: 2 })
  expect(reply.headers.get('content-type')).toMatch(/^text\/event-stream/)
  expect(await reply.text()).toMatch(/\nevent: error\ndata: \{"type":"error","error":\{"message":"/)
  await expectNothingLeft()
})

test('an upstream that cannot be reached is said to be so', async () => {
  const nobody = await unusedPort()
  await using lonely = await startPictor({
    OPENAI_BASE_URL: `http://127.0.0.1:${nobody}/v1`,
    OPENAI_API_KEY: UPSTREAM_KEY,
  })
  const reply = await lonely.fetch('/v1/images/generations', json({ model: 'gpt-image-1', prompt: 'a fox' }))
  expect({ status: reply.status, reason: reply.statusText }).toEqual({
    status: 502,
    reason: 'Upstream unreachable',
  })
  const error = { code: 'upstream_unreachable', type: 'upstream_error', param: null }
  expect(await reply.json()).toMatchObject({ error })
  expect((await lonely.fetch('/health')).status).toBe(200)
})

test('an upstream whose name does not exist is said to be unreachable', async () => {
  await using lonely = await startPictor({ OPENAI_BASE_URL: 'http://no-such-host.invalid/v1' })
  const reply = await lonely.fetch('/v1/images/generations', json({ model: 'gpt-image-1', prompt: 'a fox' }))
  expect(reply.status).toBe(502)
  expect(await reply.json()).toMatchObject({ error: { code: 'upstream_unreachable' } })
})

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

test('the log holds no key and no picture', async () => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'pictor-log-'))
  try {
    await using server = await startPictorProcess({
      DATA_DIR: dataDirectory,
      LOG_LEVEL: 'trace',
      OPENAI_BASE_URL: upstream.url,
      OPENAI_API_KEY: 'sk-wrong-0123456789abcdef',
    })
    const secret = server.authorization.slice('Bearer '.length)
    const picture = { image: `data:image/png;base64,${'QUJD'.repeat(20_000)}` }
    const replies = await Promise.all([
      server.fetch('/v1/images/generations', json({ model: 'gpt-image-1', prompt: 'a fox' })),
      server.fetch('/v1/images/edits', json({ model: 'gpt-image-1', prompt: 'a fox', ...picture })),
      server.fetch('/v1/images/generations', json({ model: 'pictor-demo', prompt: 'a fox' })),
      server.fetch(`/v1/models?key=${secret}`),
      fetch(`${server.url}/v1/models`, { headers: { authorization: 'Bearer sk-guessed-0123456789abcdef' } }),
    ])
    const told = (await Promise.all(replies.map((reply) => reply.text()))).join('\n')
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    const log = server.stdout() + server.stderr()
    expect(log).toContain('"path":"/v1/images/generations"')
    expect(log).toContain('upstream call failed')
    for (const text of [log, told]) {
      expect(text).not.toContain('sk-wrong')
      expect(text).not.toContain('sk-guessed')
      expect(text).not.toContain(secret)
      expect(text).not.toMatch(/[A-Za-z0-9+/]{200}/)
    }
  } finally {
    await rm(dataDirectory, { recursive: true, force: true })
  }
})
