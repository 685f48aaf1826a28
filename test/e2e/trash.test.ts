import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { json, startPictor, type TestPictor } from '../pictor.ts'
import { filesIn, findOrphans } from '../traces.ts'
import { eventually } from './evidence.ts'

const DAY = 24 * 60 * 60 * 1000

let dataDirectory: string
beforeAll(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'pictor-trash-'))
})
afterAll(() => rm(dataDirectory, { recursive: true, force: true }))

/** Pictor in the same folder each time, so many days later. */
const startAfter = (days: number, env: Record<string, string> = {}) =>
  startPictor(
    { DATA_DIR: dataDirectory, API_KEY: 'sk-of-a-test', ...env },
    { clock: { now: () => Date.now() + days * DAY } },
  )

const withKey = { authorization: 'Bearer sk-of-a-test' }

async function drawAndDelete(pictor: TestPictor, prompt: string): Promise<string> {
  const init = json({ prompt, size: '64x64', response_format: 'url' }, withKey)
  const reply = await fetch(`${pictor.url}/v1/images/generations`, init)
  const { data } = (await reply.json()) as { data: { image_id: string }[] }
  const id = data[0]?.image_id ?? ''
  expect((await fetch(`${pictor.url}/images/${id}/thumbnail`)).status).toBe(200)
  const removal = { method: 'DELETE', headers: withKey }
  expect((await fetch(`${pictor.url}/api/v1/images/${id}`, removal)).status).toBe(200)
  return id
}

const originals = () => filesIn(join(dataDirectory, 'images'))
const orphans = (pictor: TestPictor) =>
  findOrphans({ dataDirectory, database: pictor.app.parts.gateway.database })

test('bytes of a deleted picture are kept for a week, and then no trace of them is left', async () => {
  {
    await using pictor = await startAfter(0)
    await drawAndDelete(pictor, 'a fox')
    expect(await orphans(pictor)).toEqual([])
  }
  {
    await using pictor = await startAfter(6)
    // Deleted later, so it is there longer than the first one.
    await drawAndDelete(pictor, 'a heron')
    expect(await originals()).toHaveLength(2)
  }
  {
    await using pictor = await startAfter(8)
    await eventually(async () => ((await originals()).length === 1 ? true : undefined))
    await eventually(async () => ((await orphans(pictor)).length === 0 ? true : undefined))
  }
  {
    await using pictor = await startAfter(8, { TRASH_DAYS: '0' })
    await eventually(async () => ((await originals()).length === 0 ? true : undefined))
    await eventually(async () => ((await orphans(pictor)).length === 0 ? true : undefined))
    await eventually(async () =>
      (await filesIn(join(dataDirectory, 'derived'))).length === 0 ? true : undefined,
    )
  }
})
