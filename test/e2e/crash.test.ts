import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { connect, type Database } from '../../src/db/connect.ts'
import { json } from '../pictor.ts'
import { type PictorProcess, startPictorProcess } from '../process.ts'
import { filesIn, findOrphans } from '../traces.ts'
import { type FakeOpenAi, startFakeOpenAi } from '../upstreams/openai.ts'

const MiB = 1024 * 1024

/** One picture a call, so that of several some can be there and others not. */
const MODEL = 'dall-e-3'

let upstream: FakeOpenAi
let dataDirectory: string

beforeEach(async () => {
  upstream = await startFakeOpenAi()
  upstream.models = [MODEL]
  dataDirectory = await mkdtemp(join(tmpdir(), 'pictor-crash-'))
})

afterEach(async () => {
  await upstream.close()
  await rm(dataDirectory, { recursive: true, force: true })
})

const start = () =>
  startPictorProcess({ DATA_DIR: dataDirectory, OPENAI_BASE_URL: upstream.url, OPENAI_API_KEY: 'k' })

/** As if the power had gone. */
async function kill(server: PictorProcess): Promise<void> {
  server.child.kill('SIGKILL')
  expect(await server.ended).toBe('SIGKILL')
}

async function inDatabase<T>(look: (database: Database) => Promise<T>): Promise<T> {
  const database = await connect(`sqlite:${join(dataDirectory, 'pictor.sqlite')}`)
  try {
    return await look(database)
  } finally {
    await database.close()
  }
}

const rows = (table: 'task' | 'image' | 'job') =>
  inDatabase(({ query }) => query.selectFrom(table).selectAll().orderBy('id').execute())

const orphans = () => inDatabase((database) => findOrphans({ dataDirectory, database }))

const eventually = <T>(look: () => Promise<T>) => vi.waitFor(look, { timeout: 10_000, interval: 25 })

const drawings = () => upstream.requests.filter(({ method }) => method === 'POST')

interface Reply {
  id: string
  status: string
  data: { image_id: string; url: string }[]
  result: { data: { image_id: string; url: string }[] }
  error: { code: string }
  warnings: { message: string }[]
}

const draw = (
  server: PictorProcess,
  body: Record<string, unknown> = {},
  headers: Record<string, string> = {},
) => {
  const init = json({ model: MODEL, prompt: 'a fox', response_format: 'url', ...body })
  return server.fetch('/v1/images/generations', { ...init, headers: { ...init.headers, ...headers } })
}

const jobOf = async (server: PictorProcess, id: string) =>
  (await (await server.fetch(`/v1/images/jobs/${id}`)).json()) as Reply

/** The job, once it is done. */
const finishedJob = (server: PictorProcess, id: string) =>
  eventually(async () => {
    const job = await jobOf(server, id)
    expect(['queued', 'running']).not.toContain(job.status)
    return job
  })

test('killed while a picture arrives: no half file, the task is closed, and a repeated request says so', async () => {
  upstream.behave(MODEL, { name: 'b64', bytes: 20 * MiB, over: 20_000 })
  const key = { 'idempotency-key': 'the same' }
  {
    await using server = await start()
    const reply = draw(server, {}, key)
    reply.catch(() => undefined)
    await eventually(async () => expect(await bytesIn('spool')).toBeGreaterThan(0))
    await kill(server)
    await expect(reply).rejects.toThrow()
  }
  expect(await filesIn(join(dataDirectory, 'spool'))).toHaveLength(1)
  upstream.behave(MODEL, 'b64')
  await using server = await start()
  expect(await orphans()).toEqual([])
  expect(await filesIn(join(dataDirectory, 'images'))).toEqual([])
  expect(await rows('task')).toMatchObject([
    { status: 'failed', error: expect.stringContaining('interrupted') },
  ])

  const repeated = await draw(server, {}, key)
  expect({ status: repeated.status, reason: repeated.statusText }).toEqual({
    status: 503,
    reason: 'Interrupted by restart',
  })
  expect(await repeated.json()).toMatchObject({ error: { code: 'interrupted', param: null } })
  expect((await draw(server, { prompt: 'a wolf' }, key)).status).toBe(409)
  expect(drawings()).toHaveLength(1)
  expect((await draw(server)).status).toBe(200)
  await eventually(async () => expect(await orphans()).toEqual([]))
})

async function bytesIn(name: string): Promise<number> {
  const sizes = (await filesIn(join(dataDirectory, name))).map(async (path) => (await stat(path)).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

test('killed between two pictures: the one that arrived stays, and a repeated request gets it', async () => {
  upstream.behave(MODEL, ['b64', { name: 'b64', delay: 20_000 }])
  const key = { 'idempotency-key': 'the same' }
  {
    await using server = await start()
    draw(server, { n: 2 }, key).catch(() => undefined)
    await eventually(async () => expect(await rows('image')).toHaveLength(1))
    await kill(server)
  }
  await using server = await start()
  expect(await orphans()).toEqual([])
  expect(await rows('task')).toMatchObject([{ status: 'partial', completed: 1, failed: 1 }])
  const repeated = await draw(server, { n: 2 }, key)
  expect(repeated.status).toBe(200)
  const { data, warnings } = (await repeated.json()) as Reply
  expect(data).toHaveLength(1)
  expect(warnings).toMatchObject([{ message: expect.stringMatching(/^1 of 2 pictures failed.*restart/) }])
  const picture = await fetch(data[0]?.url.replace(/^http:\/\/[^/]+/, server.url) ?? '')
  expect(picture.status).toBe(200)
  expect(drawings()).toHaveLength(2)
})

test('killed in the middle of a job: it goes on after the start and asks only for what is missing', async () => {
  upstream.behave(MODEL, ['b64', { name: 'b64', bytes: 5 * MiB, over: 20_000 }])
  let id: string
  {
    await using server = await start()
    const reply = await draw(server, { n: 3, async: true })
    expect(reply.status).toBe(202)
    id = ((await reply.json()) as Reply).id
    await eventually(async () => expect(await rows('image')).toHaveLength(1))
    await eventually(async () => expect(await bytesIn('spool')).toBeGreaterThan(0))
    await kill(server)
  }
  const [first] = await rows('image')
  upstream.behave(MODEL, 'b64')
  await using server = await start()
  const job = await finishedJob(server, id)
  expect(job).toMatchObject({ status: 'completed' })
  const ids = job.result.data.map(({ image_id }) => image_id)
  expect(new Set(ids).size).toBe(3)
  expect(ids[0]).toBe((first as { id: string } | undefined)?.id)
  // Ids are made when the bytes are kept, so of two pictures that arrive together either may be first.
  const each = [0, 1, 2].map((position) => expect.objectContaining({ position }))
  expect(await rows('image')).toEqual(expect.arrayContaining(each))
  expect(drawings()).toHaveLength(3 + 2)
  await eventually(async () => {
    expect(await orphans()).toEqual([])
    expect(await rows('job')).toEqual([])
  })
})

test('killed before a waiting job began: it is not lost', async () => {
  upstream.behave(MODEL, { name: 'b64', delay: 20_000 })
  const ids: string[] = []
  {
    await using server = await start()
    for (let index = 0; index < 8; index += 1) {
      const reply = await draw(server, { async: true, prompt: `fox ${index}` })
      ids.push(((await reply.json()) as Reply).id)
    }
    await kill(server)
  }
  upstream.behave(MODEL, 'b64')
  await using server = await start()
  const jobs = await Promise.all(ids.map((id) => finishedJob(server, id)))
  expect(jobs.map(({ status, result }) => [status, result.data.length])).toEqual(
    Array(8).fill(['completed', 1]),
  )
  expect(await rows('image')).toHaveLength(8)
})

test('SIGTERM: who waits is answered, a job goes back to the queue, and nothing is left behind', async () => {
  upstream.behave(MODEL, [
    { name: 'b64', delay: 1500 },
    { name: 'b64', bytes: MiB, over: 60_000 },
  ])
  let id: string
  {
    await using server = await start()
    const waiting = draw(server)
    await upstream.received(1)
    id = ((await (await draw(server, { async: true })).json()) as Reply).id
    await eventually(async () => expect(drawings()).toHaveLength(2))
    server.child.kill('SIGTERM')
    const reply = await waiting
    expect(reply.status).toBe(200)
    expect(((await reply.json()) as Reply).data).toHaveLength(1)
    expect(await server.ended).toBe(0)
    expect(server.stderr()).toBe('')
  }
  expect(await orphans()).toEqual([])
  expect(await rows('job')).toMatchObject([{ id, state: 'waiting', worker: null }])
  expect(await rows('task')).toMatchObject([{ status: 'completed' }, { id, status: 'running' }])
  upstream.behave(MODEL, 'b64')
  await using server = await start()
  expect(await finishedJob(server, id)).toMatchObject({ status: 'completed' })
  expect(await rows('image')).toHaveLength(2)
})
