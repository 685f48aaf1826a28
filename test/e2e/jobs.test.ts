import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, startPictor, startWithAnyModel, type TestGateway, type TestPictor } from '../pictor.ts'
import { paint, whole } from '../upstreams/pictures.ts'
import type { ImagesReply } from './ask.ts'
import { callsFor, eventually, expectPainted, rowOf, rowsOfModel, storedBytes } from './evidence.ts'
import { isSignedWith, startReceiver } from './webhook-receiver.ts'

const webhookKey = randomBytes(24)
let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel(
    { WORKERS: '1', QUEUE_LIMIT: '3', WEBHOOK_SECRET: `whsec_${webhookKey.toString('base64')}` },
    { isAllowedAddress: (address) => address === '127.0.0.1' },
  )
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

interface Job {
  id: string
  object: string
  status: string
  created_at: number
  completed_at?: number
  url: string
  result?: ImagesReply
  error?: { code: string; message: string }
}

async function submit(
  body: Record<string, unknown>,
  { fetch }: TestPictor = pictor,
  route = 'generations',
): Promise<Job> {
  const response = await fetch(
    `/v1/images/${route}`,
    json({ prompt: 'a cat', size: '64x64', async: true, ...body }),
  )
  expect(response.status).toBe(202)
  return (await response.json()) as Job
}

const poll = async ({ id }: Job, query = '', { fetch }: TestPictor = pictor) =>
  (await (await fetch(`/v1/images/jobs/${id}${query}`)).json()) as Job

const ended = (job: Job, query = '', server: TestPictor = pictor) =>
  eventually(async () => {
    const now = await poll(job, query, server)
    return ['queued', 'running'].includes(now.status) ? undefined : now
  })

const cancel = async ({ id }: Job) =>
  (await (await pictor.fetch(`/v1/images/jobs/${id}`, { method: 'DELETE' })).json()) as Job

const reached = (model: string) =>
  eventually(() => (callsFor(pictor.upstream, model).length > 0 ? true : undefined))

describe('an async job', () => {
  test('is accepted at once, polled, and has its result in the end', async () => {
    pictor.upstream.behave('image-job', { name: 'b64', delay: 200 })
    const response = await pictor.fetch(
      '/v1/images/generations',
      json(
        { model: 'image-job', prompt: 'a cat', size: '64x64', n: 2 },
        { prefer: 'respond-async, wait=10' },
      ),
    )
    expect(response.status).toBe(202)
    expect(response.headers.get('preference-applied')).toBe('respond-async')
    const job = (await response.json()) as Job
    expect(job).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      object: 'image.job',
      status: 'queued',
      created_at: expect.any(Number),
      url: `${pictor.url}/v1/images/jobs/${job.id}`,
    })
    expect(response.headers.get('location')).toBe(job.url)
    const done = await ended(job)
    expect(done).toMatchObject({ id: job.id, status: 'completed', completed_at: expect.any(Number) })
    expect(done.result?.data).toHaveLength(2)
    const [item] = done.result?.data ?? []
    expect(item?.url).toBe(item?.image_url)
    await expectPainted(await storedBytes(pictor, item?.image_id), { width: 64, height: 64, format: 'png' })
    const [encoded] = (await poll(job, '?response_format=b64_json')).result?.data ?? []
    expect(encoded?.b64_json?.slice(0, 12)).toBe('iVBORw0KGgoA')
    expect(encoded).not.toHaveProperty('url')
  })

  test('edits', async () => {
    const picture = whole(await paint({ width: 64, height: 64, format: 'png', mark: 'input' }))
    const job = await submit({ model: 'image-job-edit', image: picture.toString('base64') }, pictor, 'edits')
    expect((await ended(job)).status).toBe('completed')
    const [sent] = callsFor(pictor.upstream, 'image-job-edit')[0]?.files ?? []
    expect(sent?.bytes.equals(picture)).toBe(true)
  })

  test('that fails says why', async () => {
    pictor.upstream.behave('image-job-refused', 'moderation-400')
    const done = await ended(await submit({ model: 'image-job-refused' }))
    expect(done).toMatchObject({ status: 'failed', error: { code: 'moderation_blocked' } })
    expect(done).not.toHaveProperty('result')
  })

  test('that brought some of its pictures has them', async () => {
    pictor.upstream.behave('dall-e-3-job', ['b64', 'moderation-400'])
    const done = await ended(await submit({ model: 'dall-e-3-job', n: 2, size: '1024x1024' }))
    expect(done).toMatchObject({ status: 'partial', result: { warnings: [{ param: 'n' }] } })
    expect(done.result?.data).toHaveLength(1)
  })

  test('sent again under the same Idempotency-Key is the same job', async () => {
    const send = () =>
      pictor.fetch(
        '/v1/images/generations',
        json({ model: 'image-job-twice', prompt: 'a cat', async: true }, { 'idempotency-key': 'twice' }),
      )
    const jobs = await Promise.all([send(), send()])
    const [first, second] = (await Promise.all(jobs.map((job) => job.json()))) as [Job, Job]
    expect(second.id).toBe(first.id)
    await ended(first)
    expect(callsFor(pictor.upstream, 'image-job-twice')).toHaveLength(1)
  })

  test('is nobody else’s', async () => {
    const job = await submit({ model: 'image-job-mine' })
    const { secret } = await pictor.app.parts.keys.create({ name: 'stranger' })
    for (const method of ['GET', 'DELETE']) {
      const response = await fetch(job.url, { method, headers: { authorization: `Bearer ${secret}` } })
      expect(response.status).toBe(404)
      expect(await response.json()).toMatchObject({ error: { code: 'job_not_found' } })
    }
    expect((await pictor.fetch('/v1/images/jobs/no-such-job')).status).toBe(404)
    expect((await ended(job)).status).toBe('completed')
  })

  test('cannot be streamed, and a webhook needs a job', async () => {
    const base = { model: 'image-x', prompt: 'a cat' }
    const streamed = await pictor.fetch(
      '/v1/images/generations',
      json({ ...base, async: true, stream: true }),
    )
    expect(streamed.status).toBe(400)
    expect(await streamed.json()).toMatchObject({ error: { param: 'stream' } })
    const webhook_url = 'https://receiver.example/'
    const called = await pictor.fetch('/v1/images/generations', json({ ...base, webhook_url }))
    expect(called.status).toBe(400)
    expect(await called.json()).toMatchObject({ error: { param: 'webhook_url' } })
  })
})

describe('cancelling', () => {
  test('a job that runs ends its call; one that waits never makes one; a full queue is 429', async () => {
    pictor.upstream.behave('image-running', 'hang')
    const running = await submit({ model: 'image-running' })
    await reached('image-running')
    const waiting = await submit({ model: 'image-waiting' })
    const others = [await submit({ model: 'image-others' }), await submit({ model: 'image-others' })]

    const full = await pictor.fetch('/v1/images/generations', json({ prompt: 'a cat', async: true }))
    expect([full.status, full.statusText, full.headers.get('retry-after')]).toEqual([429, 'Queue full', '30'])

    expect(await cancel(waiting)).toMatchObject({ status: 'cancelled', error: { code: 'job_cancelled' } })
    expect((await poll(running)).status).toBe('running')
    expect(await cancel(running)).toMatchObject({ status: 'cancelled', error: { code: 'job_cancelled' } })
    expect(await callsFor(pictor.upstream, 'image-running')[0]?.finished).toBe('aborted')
    for (const other of others) expect((await ended(other)).status).toBe('completed')
    expect((await poll(waiting)).status).toBe('cancelled')
    expect(callsFor(pictor.upstream, 'image-waiting')).toEqual([])
  })

  test('keeps the pictures that have arrived', async () => {
    pictor.upstream.behave('dall-e-3-cancelled', ['b64', 'hang'])
    const job = await submit({ model: 'dall-e-3-cancelled', n: 2, size: '1024x1024' })
    await eventually(async () => (await rowsOfModel(pictor, 'dall-e-3-cancelled'))[0])
    await cancel(job)
    const done = await ended(job)
    expect(done.status).toBe('partial')
    expect(await rowOf(pictor, done.result?.data[0]?.image_id)).toMatchObject({ width: 1024 })
  })

  test('what is done changes nothing', async () => {
    const job = await submit({ model: 'image-done' })
    await ended(job)
    expect((await cancel(job)).status).toBe('completed')
  })
})

describe('a webhook', () => {
  test('gets the end of a job, signed, and again after it failed', async () => {
    await using receiver = await startReceiver(500, 204)
    const job = await submit({ model: 'image-hook', webhook_url: receiver.url })
    await ended(job)
    await eventually(() => receiver.deliveries[1])
    for (const delivery of receiver.deliveries) {
      expect(delivery.headers['content-type']).toBe('application/json')
      expect(delivery.headers['webhook-id']).toBe(job.id)
      expect(isSignedWith(webhookKey, delivery)).toBe(true)
      expect(isSignedWith(randomBytes(24), delivery)).toBe(false)
      expect(JSON.parse(delivery.body)).toEqual({
        type: 'image.job.completed',
        timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
        data: await poll(job, '?response_format=url'),
      })
    }
  })

  test('hears of failures and of cancelled jobs', async () => {
    await using receiver = await startReceiver()
    pictor.upstream.behave('image-hook-failed', '400-invalid-value')
    const failed = await submit({ model: 'image-hook-failed', webhook_url: receiver.url })
    await ended(failed)
    pictor.upstream.behave('image-hook-cancelled', 'hang')
    const cancelled = await submit({ model: 'image-hook-cancelled', webhook_url: receiver.url })
    await reached('image-hook-cancelled')
    const waiting = await submit({ model: 'image-hook-waiting', webhook_url: receiver.url })
    await cancel(waiting)
    await cancel(cancelled)
    await eventually(() => receiver.deliveries[2])
    const heard = receiver.deliveries.map(({ headers, body }) => [
      headers['webhook-id'],
      JSON.parse(body).type,
    ])
    expect(new Map(heard as [string, string][])).toEqual(
      new Map([
        [failed.id, 'image.job.failed'],
        [waiting.id, 'image.job.cancelled'],
        [cancelled.id, 'image.job.cancelled'],
      ]),
    )
  })

  test('at an address inside the network is not called', async () => {
    await using receiver = await startReceiver()
    await using guarded = await startPictor({ WEBHOOK_SECRET: 'sixteen letters!' })
    const job = await submit({ model: 'demo', webhook_url: receiver.url }, guarded)
    expect((await ended(job, '', guarded)).status).toBe('completed')
    await eventually(async () => {
      const { query } = guarded.app.parts.gateway.database
      const left = await query.selectFrom('job').selectAll().where('queue', '=', 'webhook').executeTakeFirst()
      return left?.error?.includes('not a public address') ? true : undefined
    })
    expect(receiver.deliveries).toEqual([])
  })

  test('needs a secret', async () => {
    await using plain = await startPictor()
    const response = await plain.fetch(
      '/v1/images/generations',
      json({ prompt: 'a cat', async: true, webhook_url: 'https://receiver.example/' }),
    )
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { code: 'webhook_not_configured', param: 'webhook_url' },
    })
  })
})

test('a job that waits when the server stops is done after the next start', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'pictor-'))
  const upstream = { OPENAI_BASE_URL: pictor.upstream.url, OPENAI_API_KEY: 'upstream-secret' }
  const env = { DATA_DIR: directory, WORKERS: '1', API_KEY: 'the-key-of-both', ...upstream }
  const withKey = (server: TestPictor): TestPictor => ({
    ...server,
    fetch: (path, init = {}) =>
      fetch(`${server.url}${path}`, {
        ...init,
        headers: { ...init.headers, authorization: 'Bearer the-key-of-both' },
      }),
  })
  const before = await startPictor(env)
  const jobs = []
  for (let index = 0; index < 4; index += 1) {
    jobs.push(await submit({ model: 'image-restarted', prompt: `cat ${index}` }, withKey(before)))
  }
  pictor.upstream.behave('image-restarted', { name: 'b64', delay: 100 })
  await before[Symbol.asyncDispose]()

  const after = await startPictor(env)
  for (const job of jobs) expect((await ended(job, '', withKey(after))).status).toBe('completed')
  expect(callsFor(pictor.upstream, 'image-restarted')).toHaveLength(4)
  await after[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})
