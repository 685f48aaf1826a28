import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createS3Storage } from '../../src/storage/s3.ts'
import { testS3Options } from '../../src/storage/testing.ts'
import { json, startPictor, type TestPictor } from '../pictor.ts'
import { filesIn } from '../traces.ts'
import { type S3Proxy, startS3Proxy } from '../upstreams/s3-proxy.ts'
import { eventually } from './evidence.ts'

const DAY = 24 * 60 * 60 * 1000
const options = testS3Options()
const withKey = { authorization: 'Bearer sk-of-a-test' }

let proxy: S3Proxy
let dataDirectory: string
const storage = createS3Storage(options)

beforeAll(async () => {
  proxy = await startS3Proxy(options.endpoint ?? '')
})
afterAll(async () => {
  await storage.close()
  await proxy[Symbol.asyncDispose]()
})
beforeEach(async () => {
  proxy.fault = { name: 'none' }
  dataDirectory = await mkdtemp(join(tmpdir(), 'pictor-objects-'))
})
afterEach(() => rm(dataDirectory, { recursive: true, force: true }))

/** Pictor in the same folder each time, so many days later. */
const start = (days = 0, env: Record<string, string> = {}) =>
  startPictor(
    {
      DATA_DIR: dataDirectory,
      API_KEY: 'sk-of-a-test',
      S3_ENDPOINT: proxy.url,
      S3_BUCKET: options.bucket,
      S3_ACCESS_KEY_ID: options.accessKeyId,
      S3_SECRET_ACCESS_KEY: options.secretAccessKey,
      S3_PREFIX: options.prefix,
      ...env,
    },
    { clock: { now: () => Date.now() + days * DAY } },
  )

async function draw(pictor: TestPictor): Promise<{ id: string; bytes: Buffer }> {
  const prompt = `a fox ${Math.random()}`
  const init = json({ prompt, size: '64x64', response_format: 'b64_json' }, withKey)
  const reply = await fetch(`${pictor.url}/v1/images/generations`, init)
  const { data } = (await reply.json()) as { data: { image_id: string; b64_json: string }[] }
  return { id: data[0]?.image_id ?? '', bytes: Buffer.from(data[0]?.b64_json ?? '', 'base64') }
}

const look = (pictor: TestPictor, id: string, init: RequestInit = {}) =>
  fetch(`${pictor.url}/images/${id}`, init)
const bytesOf = async (reply: Response) => Buffer.from(await reply.arrayBuffer())
const originals = () => filesIn(join(dataDirectory, 'images'))
const states = async ({ app }: TestPictor) =>
  (await app.parts.gateway.database.query.selectFrom('blob').select('remote_state').execute()).map(
    ({ remote_state }) => remote_state,
  )
const uploaded = (pictor: TestPictor) =>
  eventually(async () => ((await states(pictor)).every((state) => state === 'uploaded') ? true : undefined))

test('a picture outlives the disk: drawn while the storage is down, uploaded later, read from there', async () => {
  let picture: { id: string; bytes: Buffer } = { id: '', bytes: Buffer.alloc(0) }
  {
    await using pictor = await start()
    proxy.fault = { name: 'status', status: 503, code: 'SlowDown' }
    picture = await draw(pictor)
    await eventually(async () => ((await states(pictor))[0] === 'failed' ? true : undefined))
    expect(await bytesOf(await look(pictor, picture.id))).toEqual(picture.bytes)
    // Made now, or making it later would be a use of the original.
    expect((await fetch(`${pictor.url}/images/${picture.id}/thumbnail`)).status).toBe(200)
    proxy.fault = { name: 'none' }
  }
  {
    await using pictor = await start(1)
    await uploaded(pictor)
    expect(await originals()).toHaveLength(1)
  }
  await using pictor = await start(5)
  await eventually(async () => ((await originals()).length === 0 ? true : undefined))
  proxy.fault = { name: 'down' }
  const refused = await look(pictor, picture.id)
  expect({ status: refused.status, retry: refused.headers.get('retry-after') }).toEqual({
    status: 503,
    retry: '10',
  })
  proxy.fault = { name: 'none' }
  const part = await look(pictor, picture.id, { headers: { range: 'bytes=10-19' } })
  expect({ status: part.status, body: await bytesOf(part) }).toEqual({
    status: 206,
    body: picture.bytes.subarray(10, 20),
  })
  expect(await originals()).toHaveLength(1)
  const whole = await look(pictor, picture.id)
  expect(await bytesOf(whole)).toEqual(picture.bytes)
  const { status } = await fetch(
    `${pictor.url}/v1/images/generations`,
    json({ prompt: 'x', size: '64x64' }, withKey),
  )
  expect(status).toBe(200)
})

test('a file that leaves the disk while it is remembered where it lies is found all the same', async () => {
  await using pictor = await start()
  const { id, bytes } = await draw(pictor)
  await uploaded(pictor)
  const range = { headers: { range: 'bytes=0-9' } }
  expect((await look(pictor, id, range)).status).toBe(206)
  for (const path of await originals()) await rm(path)
  expect(await bytesOf(await look(pictor, id, range))).toEqual(bytes.subarray(0, 10))
  for (const path of await originals()) await rm(path)
  expect(await bytesOf(await look(pictor, id))).toEqual(bytes)
})

test('viewers are sent to the bucket where the operator wishes so', async () => {
  await using signing = await start(0, { S3_REDIRECT: 'presigned' })
  const { id, bytes } = await draw(signing)
  await uploaded(signing)
  await signing.app.parts.gateway.library.served.drop(id)
  const sent = await look(signing, id, { redirect: 'manual' })
  expect({ status: sent.status, cache: sent.headers.get('cache-control') }).toEqual({
    status: 302,
    cache: 'public, max-age=600',
  })
  expect(sent.headers.get('location')).toContain('X-Amz-Signature=')
  expect(await bytesOf(await look(signing, id))).toEqual(bytes)
  const download = await fetch(`${signing.url}/api/v1/images/${id}/download`, {
    headers: withKey,
    redirect: 'manual',
  })
  expect(download.status).toBe(200)
  expect((await fetch(`${signing.url}/images/${id}/thumbnail`, { redirect: 'manual' })).status).toBe(200)
})

test('the address of a public bucket is used as it is', async () => {
  await using pictor = await start(0, { S3_PUBLIC_URL: 'https://pictures.example/bucket' })
  const { id } = await draw(pictor)
  await uploaded(pictor)
  await pictor.app.parts.gateway.library.served.drop(id)
  const address = (await look(pictor, id, { redirect: 'manual' })).headers.get('location')
  expect(address).toMatch(
    /^https:\/\/pictures\.example\/bucket\/[0-9a-f]+\/[0-9a-f]{2}\/[0-9a-f]{2}\/[0-9a-f]{64}\.\w+$/,
  )
})

test('a deleted picture takes its object along when the trash is emptied', async () => {
  await using pictor = await start(0, { TRASH_DAYS: '0' })
  const { id } = await draw(pictor)
  await uploaded(pictor)
  const [path = ''] = await originals()
  const key = path.slice(join(dataDirectory, 'images').length + 1)
  expect(await storage.stat(key)).toBeDefined()
  await fetch(`${pictor.url}/api/v1/images/${id}`, { method: 'DELETE', headers: withKey })
  await pictor.app.parts.jobs.run('purge')
  expect(await storage.stat(key)).toBeUndefined()
  expect(await states(pictor)).toEqual([])
})

test('old pictures go into the trash by themselves only where the operator wishes so', async () => {
  let id = ''
  {
    await using pictor = await start()
    id = (await draw(pictor)).id
  }
  {
    await using pictor = await start(400)
    expect((await look(pictor, id)).status).toBe(200)
    expect(pictor.app.parts.jobs.status().map(({ name }) => name)).not.toContain('retention')
  }
  await using pictor = await start(400, { METADATA_RETENTION_DAYS: '365' })
  await pictor.app.parts.jobs.run('retention')
  expect((await look(pictor, id)).status).toBe(404)
})

test('every scheduled job has run, and the metrics say so', async () => {
  await using pictor = await start()
  await draw(pictor)
  await uploaded(pictor)
  const { jobs } = pictor.app.parts
  expect(jobs.status().map(({ name }) => name)).toEqual([
    'discover',
    'purge',
    'recover',
    'usage',
    'translations',
    'settings',
    'upload',
    'cache',
  ])
  for (const { name } of jobs.status()) await jobs.run(name)
  for (const status of jobs.status()) expect(status).toMatchObject({ last_error: null, running: false })
  const text = await (await fetch(`${pictor.url}/metrics`)).text()
  expect(text).toContain('pictor_uploads{state="uploaded"} 1')
  expect(text).toContain('pictor_object_failures{kind="missing"} 0')
  expect(text).toMatch(/pictor_disk_free_bytes [1-9]/)
  expect(text).toContain('pictor_job_last_success{job="upload"} 1')
})
