import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, startPictor, startWithAnyModel, type TestGateway, type TestPictor } from '../pictor.ts'
import { paint, whole } from '../upstreams/pictures.ts'
import { callsFor, eventually, expectPainted, rowOf, rowsOfModel, storedBytes } from './evidence.ts'
import { cancel, ended, type Job, poll, submit } from './job.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel({ WORKERS: '1', QUEUE_LIMIT: '3' })
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

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
    const done = await ended(pictor, job)
    expect(done).toMatchObject({ id: job.id, status: 'completed', completed_at: expect.any(Number) })
    expect(done.result?.data).toHaveLength(2)
    const [item] = done.result?.data ?? []
    expect(item?.url).toBe(item?.image_url)
    await expectPainted(await storedBytes(pictor, item?.image_id), { width: 64, height: 64, format: 'png' })
    const [encoded] = (await poll(pictor, job, '?response_format=b64_json')).result?.data ?? []
    expect(encoded?.b64_json?.slice(0, 12)).toBe('iVBORw0KGgoA')
    expect(encoded).not.toHaveProperty('url')
  })

  test('edits', async () => {
    const picture = whole(await paint({ width: 64, height: 64, format: 'png', mark: 'input' }))
    const body = { model: 'image-job-edit', image: picture.toString('base64') }
    const job = await submit(pictor, body, 'edits')
    expect((await ended(pictor, job)).status).toBe('completed')
    const [sent] = callsFor(pictor.upstream, 'image-job-edit')[0]?.files ?? []
    expect(sent?.bytes.equals(picture)).toBe(true)
  })

  test('that fails says why', async () => {
    pictor.upstream.behave('image-job-refused', 'moderation-400')
    const done = await ended(pictor, await submit(pictor, { model: 'image-job-refused' }))
    expect(done).toMatchObject({ status: 'failed', error: { code: 'moderation_blocked' } })
    expect(done).not.toHaveProperty('result')
  })

  test('that brought some of its pictures has them', async () => {
    pictor.upstream.behave('dall-e-3-job', ['b64', 'moderation-400'])
    const done = await ended(pictor, await submit(pictor, { model: 'dall-e-3-job', n: 2, size: '1024x1024' }))
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
    await ended(pictor, first)
    expect(callsFor(pictor.upstream, 'image-job-twice')).toHaveLength(1)
  })

  test('is nobody else’s', async () => {
    const job = await submit(pictor, { model: 'image-job-mine' })
    const { secret } = await pictor.app.parts.keys.create({ name: 'stranger' })
    for (const method of ['GET', 'DELETE']) {
      const response = await fetch(job.url, { method, headers: { authorization: `Bearer ${secret}` } })
      expect(response.status).toBe(404)
      expect(await response.json()).toMatchObject({ error: { code: 'job_not_found' } })
    }
    expect((await pictor.fetch('/v1/images/jobs/no-such-job')).status).toBe(404)
    expect((await ended(pictor, job)).status).toBe('completed')
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
    const running = await submit(pictor, { model: 'image-running' })
    await reached('image-running')
    const waiting = await submit(pictor, { model: 'image-waiting' })
    const others = [
      await submit(pictor, { model: 'image-others' }),
      await submit(pictor, { model: 'image-others' }),
    ]

    const full = await pictor.fetch('/v1/images/generations', json({ prompt: 'a cat', async: true }))
    expect([full.status, full.statusText, full.headers.get('retry-after')]).toEqual([429, 'Queue full', '30'])

    expect(await cancel(pictor, waiting)).toMatchObject({
      status: 'cancelled',
      error: { code: 'job_cancelled' },
    })
    expect((await poll(pictor, running)).status).toBe('running')
    expect(await cancel(pictor, running)).toMatchObject({
      status: 'cancelled',
      error: { code: 'job_cancelled' },
    })
    expect(await callsFor(pictor.upstream, 'image-running')[0]?.finished).toBe('aborted')
    for (const other of others) expect((await ended(pictor, other)).status).toBe('completed')
    expect((await poll(pictor, waiting)).status).toBe('cancelled')
    expect(callsFor(pictor.upstream, 'image-waiting')).toEqual([])
  })

  test('keeps the pictures that have arrived', async () => {
    pictor.upstream.behave('dall-e-3-cancelled', ['b64', 'hang'])
    const job = await submit(pictor, { model: 'dall-e-3-cancelled', n: 2, size: '1024x1024' })
    await eventually(async () => (await rowsOfModel(pictor, 'dall-e-3-cancelled'))[0])
    await cancel(pictor, job)
    const done = await ended(pictor, job)
    expect(done.status).toBe('partial')
    expect(await rowOf(pictor, done.result?.data[0]?.image_id)).toMatchObject({ width: 1024 })
  })

  test('what is done changes nothing', async () => {
    const job = await submit(pictor, { model: 'image-done' })
    await ended(pictor, job)
    expect((await cancel(pictor, job)).status).toBe('completed')
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
    jobs.push(await submit(withKey(before), { model: 'image-restarted', prompt: `cat ${index}` }))
  }
  pictor.upstream.behave('image-restarted', { name: 'b64', delay: 100 })
  await before[Symbol.asyncDispose]()

  const after = await startPictor(env)
  for (const job of jobs) expect((await ended(withKey(after), job)).status).toBe('completed')
  expect(callsFor(pictor.upstream, 'image-restarted')).toHaveLength(4)
  await after[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})
