import { execFileSync } from 'node:child_process'
import { copyFile, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { connect } from '../../src/db/connect.ts'
import { json } from '../pictor.ts'
import { type PictorProcess, startPictorProcess } from '../process.ts'
import { findOrphans } from '../traces.ts'
import { type FakeOpenAi, startFakeOpenAi } from '../upstreams/openai.ts'
import { paint, whole } from '../upstreams/pictures.ts'

const MiB = 1024 * 1024
const SMALL = 'gpt-image-1'
const LARGE = 'gpt-image-1-large'

let upstream: FakeOpenAi
let folder: string
let server: PictorProcess

/** The server sees a disk of 16 MiB that nobody else sees and that goes when it goes; its database is elsewhere or on it. */
async function startOnSmallDisk(env: Record<string, string>): Promise<void> {
  const disk = join(folder, 'disk')
  const unshare = ['unshare', '--mount', ...(process.getuid?.() === 0 ? [] : ['--map-root-user'])]
  const mount = `mkdir -p "$0" && mount -t tmpfs -o size=16m tmpfs "$0" && exec "$@"`
  try {
    execFileSync('unshare', [...unshare.slice(1), 'sh', '-c', mount, disk, 'true'], { stdio: 'pipe' })
  } catch (error) {
    throw new Error('This test needs a small disk: run it as root, or where user namespaces are allowed.', {
      cause: error,
    })
  }
  const upstreamEnv = { OPENAI_BASE_URL: upstream.url, OPENAI_API_KEY: 'k', DATA_DIR: disk }
  server = await startPictorProcess({ ...upstreamEnv, ...env }, [...unshare, 'sh', '-c', mount, disk])
}

/** The disk as it can be seen from outside. */
const seen = (name = '') => join(`/proc/${server.child.pid}/root`, folder, 'disk', name)

beforeAll(async () => {
  upstream = await startFakeOpenAi()
  upstream.models = undefined
  upstream.behave(LARGE, { name: 'b64', bytes: 24 * MiB })
  folder = await mkdtemp(join(tmpdir(), 'pictor-disk-'))
})

afterAll(async () => {
  await upstream.close()
  await rm(folder, { recursive: true, force: true })
})

const draw = (model: string) =>
  server.fetch('/v1/images/generations', json({ model, prompt: 'a fox', response_format: 'url' }))

async function expectFull(reply: Response): Promise<void> {
  expect(await reply.json()).toMatchObject({ error: { code: 'insufficient_storage', type: 'server_error' } })
  const { status, statusText: reason } = reply
  expect({ status, reason }).toEqual({ status: 507, reason: 'Insufficient storage' })
}

async function expectNothingLeft(url: string): Promise<void> {
  const database = await connect(url)
  try {
    await vi.waitFor(async () => expect(await findOrphans({ dataDirectory: seen(), database })).toEqual([]))
  } finally {
    await database.close()
  }
}

/** SQLite itself does not find the way there. */
async function copyOfDatabase(): Promise<string> {
  const copy = join(folder, 'copy.db')
  for (const ending of ['', '-wal']) await copyFile(seen(`pictor.sqlite${ending}`), copy + ending)
  return `sqlite:${copy}`
}

/** Writes until nothing more fits. */
async function fill(): Promise<void> {
  const file = await open(seen('filling'), 'w')
  const block = Buffer.alloc(4096)
  try {
    for (let written = 0; written < 32 * MiB; written += block.length) await file.write(block)
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' })
  } finally {
    await file.close()
  }
}

const empty = () => rm(seen('filling'))

test('a picture that does not fit is 507 and leaves nothing; what fits is still drawn', async () => {
  const database = `sqlite:${join(folder, 'elsewhere.db')}`
  await startOnSmallDisk({ DATABASE_URL: database })
  await using _ = server
  await expectFull(await draw(LARGE))
  await expectNothingLeft(database)
  const large = whole(await paint({ width: 64, height: 64, format: 'png', mark: 'large', bytes: 24 * MiB }))
  const image = `data:image/png;base64,${large.toString('base64')}`
  await expectFull(await server.fetch('/v1/images/edits', json({ model: SMALL, prompt: 'a fox', image })))
  await expectNothingLeft(database)
  expect((await draw(SMALL)).status).toBe(200)
  await fill()
  const asked = upstream.requests.length
  await expectFull(await draw(SMALL))
  expect(upstream.requests).toHaveLength(asked)
  expect((await server.fetch('/v1/models')).status).toBe(200)
  const metrics = await (await server.fetch('/metrics')).text()
  expect(metrics).toContain('pictor_disk_low 1')
  await empty()
  expect((await draw(SMALL)).status).toBe(200)
  await expectNothingLeft(database)
})

test('a database that cannot grow is 507 too, and works again when there is room', async () => {
  await startOnSmallDisk({})
  await using _ = server
  expect((await draw(SMALL)).status).toBe(200)
  await fill()
  await expectFull(await draw(SMALL))
  expect((await server.fetch('/v1/models')).status).toBe(200)
  await empty()
  expect((await draw(SMALL)).status).toBe(200)
  await expectNothingLeft(await copyOfDatabase())
})
