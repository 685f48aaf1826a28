import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { connect, type Database } from '../../src/db/connect.ts'
import { type PictorProcess, startPictorProcess } from '../process.ts'
import { filesIn, findOrphans } from '../traces.ts'
import { type FakeOpenAi, startFakeOpenAi } from '../upstreams/openai.ts'
import { ask, begin, endOf, statusOf } from './batch.ts'
import { eventually } from './evidence.ts'

const WORKERS = 6
const MODEL = 'gpt-image-1'
const OWN_KEY = 'sk-the-callers-own-key-0123456789'

let upstream: FakeOpenAi
let dataDirectory: string

beforeEach(async () => {
  upstream = await startFakeOpenAi()
  upstream.models = [MODEL]
  dataDirectory = await mkdtemp(join(tmpdir(), 'pictor-batch-crash-'))
})

afterEach(async () => {
  await upstream.close()
  await rm(dataDirectory, { recursive: true, force: true })
})

const start = (env: Record<string, string> = {}) =>
  startPictorProcess({
    DATA_DIR: dataDirectory,
    OPENAI_BASE_URL: upstream.url,
    OPENAI_API_KEY: 'k',
    WORKERS: String(WORKERS),
    TRUST_PROXY: 'loopback',
    ...env,
  })

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

const drawings = () => upstream.requests.filter(({ method }) => method === 'POST')

test('killed three times during a batch of 100: exactly 100 pictures, and at most one call more for each worker', async () => {
  upstream.behave(MODEL, { name: 'b64', bytes: 100_000, delay: 40 })
  let id = ''
  for (const pictures of [15, 40, 70]) {
    await using server = await start()
    id ||= (await begin(server, { model: MODEL, count: 100 })).id
    await eventually(async () => ((await statusOf(server, id)).completedCount >= pictures ? true : undefined))
    await kill(server)
  }
  await using server = await start()
  const done = await endOf(server, { id })
  expect(done).toMatchObject({ status: 'completed', completedCount: 100, errorMessage: '' })
  expect(new Set(done.images.map((image) => image.id)).size).toBe(100)
  expect(drawings().length).toBeGreaterThanOrEqual(100)
  expect(drawings().length).toBeLessThanOrEqual(100 + 3 * WORKERS)
  const rows = await inDatabase(({ query }) => query.selectFrom('image').select('position').execute())
  expect(rows.map(({ position }) => position).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 100 }, (_, position) => position),
  )
  await eventually(async () => ((await inDatabase(countJobs)) === 0 ? true : undefined))
  const orphans = await inDatabase((database) => findOrphans({ dataDirectory, database }))
  // A file gets its name a moment before its row is written; one that is left then is found by the check of the store.
  expect(orphans.filter((orphan) => !orphan.endsWith('has no row'))).toEqual([])
  expect(orphans.length).toBeLessThanOrEqual(3 * WORKERS)
}, 90_000)

const countJobs = async ({ query }: Database) => (await query.selectFrom('job').selectAll().execute()).length

test('what was withheld before a crash is not asked for again', async () => {
  upstream.behave(MODEL, [
    ...Array(4).fill('moderation-400'),
    ...Array(6).fill('b64'),
    { name: 'b64', delay: 20_000 },
  ])
  let id: string
  {
    await using server = await start({ WORKERS: '1' })
    id = (await begin(server, { model: MODEL, count: 12 })).id
    await eventually(async () => ((await statusOf(server, id)).completedCount === 6 ? true : undefined))
    await eventually(() => (drawings().length === 11 ? true : undefined))
    await kill(server)
  }
  upstream.behave(MODEL, 'b64')
  await using server = await start({ WORKERS: '1' })
  expect(await endOf(server, { id })).toMatchObject({ status: 'partial', completedCount: 8, totalCount: 12 })
  expect(drawings()).toHaveLength(11 + 2)
})

test('a caller’s own key outlives a crash, is used, and is erased at the end', async () => {
  upstream.behave(MODEL, { name: 'b64', delay: 150 })
  let id: string
  {
    await using server = await start({ WORKERS: '1' })
    id = (await begin(server, { model: MODEL, count: 4, apiKey: OWN_KEY })).id
    await eventually(async () => ((await statusOf(server, id)).completedCount === 1 ? true : undefined))
    const [row] = await inDatabase(({ query }) => query.selectFrom('task').select('credential').execute())
    expect(row?.credential).toMatch(/^v1\./)
    await kill(server)
  }
  await using server = await start({ WORKERS: '1' })
  expect(await endOf(server, { id })).toMatchObject({ status: 'completed', completedCount: 4 })
  expect(new Set(drawings().map(({ headers }) => headers.authorization))).toEqual(
    new Set([`Bearer ${OWN_KEY}`]),
  )
  const rows = await inDatabase(({ query }) => query.selectFrom('task').selectAll().execute())
  expect(rows).toMatchObject([{ credential: null, status: 'completed' }])
  expect(JSON.stringify(rows) + server.stdout() + server.stderr()).not.toContain(OWN_KEY)
  expect(JSON.stringify(await ask(server, `/history/${id}`))).not.toContain(OWN_KEY)
})

test('a thousand waiting batches are all done, also after a restart in between', async () => {
  upstream.behave(MODEL, { name: 'b64', bytes: 2000 })
  const ids: string[] = []
  {
    await using server = await start({ QUEUE_LIMIT: '2000', WORKERS: '2' })
    for (let index = 0; index < 1000; index += 1) {
      ids.push((await begin(server, { model: MODEL, count: 1, prompt: `cat ${index}` })).id)
    }
    await kill(server)
  }
  await using server = await start({ QUEUE_LIMIT: '2000' })
  const unfinished = () =>
    inDatabase(({ query }) =>
      query.selectFrom('task').select('id').where('finished_at', 'is', null).execute(),
    )
  for (let look = 0; look < 300 && (await unfinished()).length > 0; look += 1)
    await new Promise((resolve) => setTimeout(resolve, 200))
  const { list, total } = await ask<{ list: { status: string; completedCount: number }[]; total: number }>(
    server,
    '/history?pageSize=100',
  )
  expect(total).toBe(1000)
  expect(list.filter(({ status, completedCount }) => status !== 'completed' || completedCount !== 1)).toEqual(
    [],
  )
  const rows = await inDatabase(({ query }) => query.selectFrom('image').select('task_id').execute())
  expect(new Set(rows.map(({ task_id }) => task_id))).toEqual(new Set(ids))
  expect(rows).toHaveLength(1000)
  expect(await filesIn(join(dataDirectory, 'spool'))).toEqual([])
}, 120_000)
