import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createStorageAdmin, type StorageAdmin } from '../../src/gateway/storage-admin.ts'
import { storageStats } from '../../src/gateway/storage-stats.ts'
import { storageRoutes } from '../../src/ingress/admin/storage.ts'
import { batchShape, errorReply } from '../../src/ingress/error-reply.ts'
import { testS3Options } from '../../src/storage/testing.ts'
import { json, startPictor, type TestPictor } from '../pictor.ts'
import { filesIn } from '../traces.ts'
import { type S3Proxy, startS3Proxy } from '../upstreams/s3-proxy.ts'

let proxy: S3Proxy
let pictor: TestPictor
let admin: StorageAdmin
let routes: FastifyInstance

beforeAll(async () => {
  const options = testS3Options()
  proxy = await startS3Proxy(options.endpoint ?? '')
  pictor = await startPictor({
    S3_ENDPOINT: proxy.url,
    S3_BUCKET: options.bucket,
    S3_ACCESS_KEY_ID: options.accessKeyId,
    S3_SECRET_ACCESS_KEY: options.secretAccessKey,
    S3_PREFIX: options.prefix,
  })
  const { gateway, jobs } = pictor.app.parts
  admin = createStorageAdmin(gateway, jobs)
  routes = Fastify()
  routes.setErrorHandler(errorReply(batchShape))
  storageRoutes(routes, { gateway, jobs })
})
afterAll(async () => {
  await routes?.close()
  await pictor?.[Symbol.asyncDispose]()
  await proxy?.[Symbol.asyncDispose]()
})
beforeEach(() => {
  proxy.fault = { name: 'none' }
})

async function draw(): Promise<string> {
  const body = { prompt: `a fox ${Math.random()}`, size: '64x64' }
  const reply = await pictor.fetch('/v1/images/generations', json(body))
  const { data } = (await reply.json()) as { data: { image_id: string }[] }
  return data[0]?.image_id ?? ''
}

const stats = () => storageStats(pictor.app.parts.gateway)
const status = async (id: string) => {
  pictor.app.parts.gateway.library.served.drop(id)
  return (await fetch(`${pictor.url}/images/${id}`)).status
}
const originals = () => filesIn(`${pictor.dataDirectory}/images`)

async function ask(method: 'GET' | 'POST', url: string, payload?: object) {
  const reply = await routes.inject({
    method,
    url: `/api/v1/admin${url}`,
    ...(payload && { payload }),
    headers: { 'accept-language': 'en' },
  })
  return { status: reply.statusCode, ...reply.json() }
}

test('the connection is tried with a real object, and what fails is said without secrets', async () => {
  expect(await ask('POST', '/settings/test-r2')).toEqual({
    status: 200,
    success: true,
    message: 'The object storage works',
  })
  proxy.fault = { name: 'status', status: 403, code: 'AccessDenied' }
  const refused = await ask('POST', '/settings/test-r2')
  expect(refused).toMatchObject({
    success: false,
    message: expect.stringContaining('write: 403 AccessDenied'),
  })
  proxy.fault = { name: 'other-bytes' }
  expect((await ask('POST', '/settings/test-r2')).message).toContain('other bytes')
})

test('pictures are counted where they are, and one of two copies can be taken away', async () => {
  const [first, second] = [await draw(), await draw()]
  await ask('POST', '/upload-pending')
  const before = await stats()
  expect(before).toMatchObject({ total_images: 2, local_images: 2, remote_images: 2, pending_uploads: 0 })
  expect(before.disk_usage_bytes).toBe(before.total_size_bytes)
  expect(await admin.remove([first], 'local')).toBe(1)
  expect(await stats()).toMatchObject({ local_images: 1, remote_images: 2 })
  // Its object is the only copy now.
  expect(await admin.remove([first], 'r2')).toBe(0)
  expect(await admin.remove([second], 'r2')).toBe(1)
  expect(await admin.remove([second], 'local')).toBe(0)
  await ask('POST', '/upload-pending')
  expect(await stats()).toMatchObject({ local_images: 1, remote_images: 1, pending_uploads: 0 })
  expect([await status(first), await status(second)]).toEqual([200, 200])
  expect(await admin.remove([first, second, first, 'unknown'], 'all')).toBe(2)
  expect([await status(first), await status(second)]).toEqual([404, 404])
})

test('an object whose removal fails is uploaded again', async () => {
  const id = await draw()
  await ask('POST', '/upload-pending')
  proxy.fault = { name: 'status', status: 403, code: 'AccessDenied' }
  await expect(admin.remove([id], 'r2')).rejects.toThrow()
  proxy.fault = { name: 'none' }
  expect((await stats()).pending_uploads).toBe(1)
  expect(await status(id)).toBe(200)
  await admin.remove([id], 'all')
})

test('clearing the local disk keeps what is nowhere else, unless it is forced', async () => {
  // Of the tests before: pictures in the trash that are on the disk only.
  const kept = (await stats()).local_images - (await stats()).remote_images
  const uploaded = await draw()
  await ask('POST', '/upload-pending')
  proxy.fault = { name: 'status', status: 503, code: 'SlowDown' }
  const only = await draw()
  await ask('POST', '/upload-pending')
  expect(await stats()).toMatchObject({ failed_uploads: 1 })
  expect((await ask('POST', '/clear-all-local')).success).toBe(true)
  expect(await originals()).toHaveLength(1 + kept)
  proxy.fault = { name: 'none' }
  expect([await status(uploaded), await status(only)]).toEqual([200, 200])
  proxy.fault = { name: 'status', status: 503, code: 'SlowDown' }
  expect((await ask('POST', '/clear-all-local', { force: true })).success).toBe(true)
  expect(await originals()).toEqual([])
  proxy.fault = { name: 'none' }
  expect([await status(uploaded), await status(only)]).toEqual([200, 404])
})

test('failed uploads are tried again when the admin says so', async () => {
  proxy.fault = { name: 'status', status: 503, code: 'SlowDown' }
  await draw()
  await ask('POST', '/upload-pending')
  const { failed_uploads: failed } = await stats()
  expect(failed).toBeGreaterThan(0)
  proxy.fault = { name: 'none' }
  expect(await ask('POST', '/retry-uploads')).toMatchObject({ message: `${failed} pictures are tried again` })
  await ask('POST', '/upload-pending')
  expect(await stats()).toMatchObject({ failed_uploads: 0, pending_uploads: 0 })
})

test('jobs are listed and started by hand', async () => {
  const { jobs } = await ask('GET', '/jobs')
  expect(jobs.map(({ name }: { name: string }) => name)).toContain('cache')
  expect(await ask('POST', '/jobs/cache/run')).toMatchObject({ status: 200, name: 'cache', last_error: null })
  expect(await ask('POST', '/jobs/nothing/run')).toMatchObject({ status: 404, code: 404 })
})

test('without an object storage the routes say so', async () => {
  await using plain = await startPictor()
  const { gateway, jobs } = plain.app.parts
  const nothing = createStorageAdmin(gateway, jobs)
  await expect(nothing.test()).rejects.toMatchObject({ code: 'object_storage_missing' })
  await expect(nothing.retryUploads()).rejects.toMatchObject({ code: 'object_storage_missing' })
  expect(await nothing.remove([], 'all')).toBe(0)
  expect(await storageStats(gateway)).toMatchObject({ pending_uploads: 0 })
})
