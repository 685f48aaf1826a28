import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createKeys } from '../../src/access/keys.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { Database } from '../../src/db/connect.ts'
import { testDatabases } from '../../src/db/testing.ts'
import { json } from '../pictor.ts'
import { startPictorProcess } from '../process.ts'
import { startFakeOpenAi } from '../upstreams/openai.ts'
import { eventually } from './evidence.ts'

const MODEL = 'dall-e-3'

const usedBy = async ({ query }: Database, id: string) =>
  (await query.selectFrom('key_quota').select('used').where('owner', '=', id).execute()).map(
    ({ used }) => used,
  )

async function world(engine: ReturnType<typeof testDatabases>[number]) {
  const opened = await engine.open()
  const upstream = await startFakeOpenAi()
  upstream.models = [MODEL]
  const folder = await mkdtemp(join(tmpdir(), 'pictor-keys-'))
  const start = (name: string) =>
    startPictorProcess({
      DATA_DIR: join(folder, name),
      DATABASE_URL: opened.url,
      OPENAI_BASE_URL: upstream.url,
      OPENAI_API_KEY: 'k',
    })
  const keys = createKeys(opened.database, systemClock, undefined)
  return {
    opened,
    upstream,
    start,
    keys,
    [Symbol.asyncDispose]: async () => {
      await upstream.close()
      await opened[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const draw = (url: string, key: string, body: Record<string, unknown> = {}) =>
  fetch(
    `${url}/v1/images/generations`,
    json(
      { model: MODEL, prompt: 'a fox', response_format: 'url', ...body },
      { authorization: `Bearer ${key}` },
    ),
  )

for (const engine of testDatabases().filter(({ name }) => name !== 'sqlite')) {
  test(`${engine.name}: two processes together give as many pictures as the key may have`, async () => {
    await using place = await world(engine)
    const { id, secret } = await place.keys.create({ name: 'shared', dailyLimit: 60 })
    await using one = await place.start('one')
    await using two = await place.start('two')
    const statuses = await Promise.all(
      Array.from({ length: 120 }, async (_, index) => {
        const reply = await draw(index % 2 ? one.url : two.url, secret)
        await reply.arrayBuffer()
        return reply.status
      }),
    )
    expect([200, 429].map((wanted) => statuses.filter((one) => one === wanted).length)).toEqual([60, 60])
    expect(await usedBy(place.opened.database, id)).toEqual([60, 60])
  }, 60_000)
}

describe('a process that is killed', () => {
  test('leaves reservations that the next one gives back, but for what had come', async () => {
    const [engine] = testDatabases()
    if (engine === undefined) throw new Error('there is no database to test on')
    await using place = await world(engine)
    const { id, secret } = await place.keys.create({ name: 'killed', dailyLimit: 5 })
    const { database } = place.opened
    place.upstream.behave(MODEL, [{ name: 'b64' }, { name: 'b64', delay: 60_000 }])
    {
      await using server = await place.start('data')
      const request = draw(server.url, secret, { n: 4 }).catch(() => undefined)
      await eventually(async () =>
        (await database.query.selectFrom('image').select('id').execute()).length > 0 ? true : undefined,
      )
      expect(await usedBy(database, id)).toEqual([4, 4])
      server.child.kill('SIGKILL')
      await server.ended
      await request
    }
    place.upstream.behave(MODEL, 'b64')
    await using _server = await place.start('data')
    await eventually(async () => ((await usedBy(database, id))[0] === 1 ? true : undefined))
    const [task] = await database.query.selectFrom('task').selectAll().execute()
    expect(task).toMatchObject({ status: 'partial', completed: 1, reserved: 0 })
    const usage = await database.query.selectFrom('usage_day').selectAll().execute()
    expect(usage).toMatchObject([{ requests: 1, pictures: 1, unpriced: 1, provider: 'openai' }])
  }, 60_000)
})
