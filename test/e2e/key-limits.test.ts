import { afterAll, describe, expect, test } from 'vitest'
import { testDatabases } from '../../src/db/testing.ts'
import { recover } from '../../src/gateway/run.ts'
import { json, startWithAnyModel, type TestPictor } from '../pictor.ts'
import { ask, begin, call, endOf } from './batch.ts'
import { callsFor, eventually } from './evidence.ts'
import { usageOf, usedBy, withKey } from './keys.ts'

const NOON = Date.parse('2026-11-24T12:00:00Z')

for (const engine of testDatabases()) {
  describe(engine.name, async () => {
    const opened = await engine.open()
    const clock = { at: NOON, now: () => clock.at }
    const pictor = await startWithAnyModel(
      { DATABASE_URL: opened.url, WORKERS: '2', TRUST_PROXY: 'loopback', TZ: 'Asia/Shanghai' },
      { clock },
    )
    const { upstream } = pictor
    afterAll(async () => {
      await pictor[Symbol.asyncDispose]()
      await opened[Symbol.asyncDispose]()
    })

    const draw = (key: TestPictor, body: Record<string, unknown> = {}, headers = {}) =>
      key.fetch(
        '/v1/images/generations',
        json({ model: 'image-kept', prompt: 'a fox', response_format: 'url', ...body }, headers),
      )
    const reached = (model: string, calls: number) =>
      eventually(() => (callsFor(upstream, model).length >= calls ? true : undefined))
    const remove = (key: TestPictor, id: string) =>
      ask(key, '/history/batch', { ...json({ ids: [id] }), method: 'DELETE' })

    test('200 requests at once with a daily limit of 100 give exactly 100 pictures', async () => {
      const key = await withKey(pictor, { dailyLimit: 100 })
      const replies = await Promise.all(
        Array.from({ length: 200 }, async () => {
          const reply = await draw(key)
          return { status: reply.status, text: await reply.text() }
        }),
      )
      const statuses = replies.map(({ status }) => status)
      expect([200, 429].map((wanted) => statuses.filter((one) => one === wanted).length)).toEqual([100, 100])
      const { count } = await opened.database.query
        .selectFrom('image')
        .select((expression) => expression.fn.countAll().as('count'))
        .where('owner', '=', key.id)
        .executeTakeFirstOrThrow()
      expect(count).toBe(100)
      expect(await usedBy(key)).toEqual([100, 100])
      expect(await usageOf(key)).toMatchObject([
        { model: 'image-kept', requests: 100, pictures: 100, errors: 0 },
      ])
    }, 60_000)

    test('what fails is given back, all of it or the part', async () => {
      const key = await withKey(pictor, { dailyLimit: 4 })
      upstream.behave('image-none', 'moderation-400')
      expect((await draw(key, { model: 'image-none', n: 4 })).status).toBe(400)
      expect(await usedBy(key)).toEqual([0, 0])
      upstream.behave('image-part', 'half-broken')
      expect((await draw(key, { model: 'image-part', n: 2 })).status).toBe(200)
      expect(await usedBy(key)).toEqual([1, 1])
      expect((await draw(key, { n: 4 })).status).toBe(429)
      expect((await draw(key, { n: 3 })).status).toBe(200)
      expect(await usedBy(key)).toEqual([4, 4])
      expect(await usageOf(key)).toMatchObject([
        { model: 'image-kept', requests: 1, pictures: 3, errors: 0 },
        { model: 'image-none', requests: 1, pictures: 0, errors: 1 },
        { model: 'image-part', requests: 1, pictures: 1, errors: 0 },
      ])
    })

    test('the same request under the same key reserves once', async () => {
      const key = await withKey(pictor, { dailyLimit: 2 })
      const once = { 'idempotency-key': 'once' }
      const replies = await Promise.all([1, 2, 3].map(() => draw(key, { n: 2 }, once)))
      expect(replies.map(({ status }) => status)).toEqual([200, 200, 200])
      expect((await draw(key, { n: 2 }, once)).status).toBe(200)
      expect(await usedBy(key)).toEqual([2, 2])
    })

    test('a batch that is stopped gives back what did not come, and reserves it again when it is run again', async () => {
      const key = await withKey(pictor, { dailyLimit: 6 })
      upstream.behave('image-halted', { name: 'b64', delay: 300 })
      const task = await begin(key, { model: 'image-halted', count: 6 })
      expect(await usedBy(key)).toEqual([6, 6])
      await reached('image-halted', 2)
      await ask(key, `/generate/cancel/${task.id}`, { method: 'POST' })
      expect(await endOf(key, task)).toMatchObject({ status: 'cancelled', completedCount: 2 })
      expect(await usedBy(key)).toEqual([2, 2])

      expect((await draw(key)).status).toBe(200)
      const refused = await call(key, `/generate/retry/${task.id}`, { method: 'POST' })
      expect(refused).toEqual({ code: 429, message: '已达到每日请求限制 (6)' })
      expect(await endOf(key, task)).toMatchObject({ status: 'cancelled', completedCount: 2 })
      await pictor.app.parts.keys.update(key.id, { dailyLimit: 7 })
      upstream.behave('image-halted', 'b64')
      await ask(key, `/generate/retry/${task.id}`, { method: 'POST' })
      expect(await usedBy(key)).toEqual([7, 7])
      expect(await endOf(key, task)).toMatchObject({ status: 'completed', completedCount: 6 })
      expect(await usedBy(key)).toEqual([7, 7])
      expect(await usageOf(key)).toMatchObject([
        { model: 'image-halted', requests: 2, pictures: 6 },
        { model: 'image-kept', requests: 1, pictures: 1 },
      ])
    })

    test('a batch that is deleted, waiting or running, gives back what nobody gets', async () => {
      const key = await withKey(pictor, { dailyLimit: 10 })
      upstream.behave('image-deleted', { name: 'b64', delay: 300 })
      const running = await begin(key, { model: 'image-deleted', count: 4 })
      await reached('image-deleted', 2)
      const waiting = await begin(key, { model: 'image-deleted', count: 6 })
      expect(await usedBy(key)).toEqual([10, 10])
      await remove(key, waiting.id)
      expect(await usedBy(key)).toEqual([4, 4])
      await remove(key, running.id)
      await eventually(async () => ((await usedBy(key))[0] <= 2 ? true : undefined))
      const { query } = opened.database
      const tasks = await query.selectFrom('task').selectAll().where('owner', '=', key.id).execute()
      expect(tasks.map(({ status, reserved }) => [status, reserved])).toEqual([
        ['cancelled', 0],
        ['cancelled', 0],
      ])
    })

    test('pictures that are deleted later are not given back', async () => {
      const key = await withKey(pictor, { dailyLimit: 2 })
      const task = await endOf(key, await begin(key, { model: 'image-kept', count: 2 }))
      await remove(key, task.id)
      expect(await usedBy(key)).toEqual([2, 2])
    })

    test('a task that a crash left is settled once, with what had come', async () => {
      const key = await withKey(pictor, { dailyLimit: 5 })
      upstream.behave('image-crashed', [{ name: 'b64' }, { name: 'b64', delay: 2000 }])
      const request = draw(key, { model: 'image-crashed', n: 2 })
      await reached('image-crashed', 1)
      // As another process would find it after this one was killed.
      await recover(pictor.app.parts.gateway, NOON + 1)
      await recover(pictor.app.parts.gateway, NOON + 1)
      const left = await usedBy(key)
      await request
      const { query } = opened.database
      const images = await query.selectFrom('image').selectAll().where('owner', '=', key.id).execute()
      expect(left[0]).toBeLessThanOrEqual(images.length)
      expect(await usedBy(key)).toEqual([images.length, images.length])
      // Who closed it did not know whom it had asked.
      const usage = await usageOf(key)
      const sumOf = (name: 'requests' | 'pictures') => usage.reduce((sum, row) => sum + row[name], 0)
      expect([sumOf('requests'), sumOf('pictures')]).toEqual([1, images.length])
    })

    test('a day ends at midnight of the server’s zone; what fails after it goes back to the day before', async () => {
      const key = await withKey(pictor, { dailyLimit: 3, monthlyLimit: 100 })
      clock.at = Date.parse('2026-11-24T15:59:59Z')
      upstream.behave('image-night', { name: 'moderation-400', delay: 300 })
      const night = draw(key, { model: 'image-night', n: 3 })
      await reached('image-night', 1)
      const refused = await draw(key)
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1'])
      clock.at += 1000
      expect((await draw(key)).status).toBe(200)
      await night
      expect(await usedBy(key)).toEqual([1, 1])
      clock.at -= 1000
      expect(await usedBy(key)).toEqual([0, 1])
      clock.at = NOON
    })

    test('pictures of a chat that is passed on count as they come; the chat after the limit is refused', async () => {
      const key = await withKey(pictor, { dailyLimit: 2 })
      upstream.behave('gemini-image-counted', { name: 'chat-images', side: 64 })
      const chat = (stream: boolean) =>
        key.fetch(
          '/v1/chat/completions',
          json({
            model: 'gemini-image-counted',
            stream,
            messages: [{ role: 'user', content: 'draw a fox' }],
          }),
        )
      for (const [stream, used] of [
        [false, 1],
        [true, 2],
      ] as const) {
        const reply = await chat(stream)
        expect([reply.status, (await reply.text()).includes('/images/')]).toEqual([200, true])
        expect(await usedBy(key)).toEqual([used, used])
      }
      const refused = await chat(true)
      expect(refused.status).toBe(429)
      expect(await refused.json()).toMatchObject({ error: { code: 'daily_limit_reached' } })
      expect(await usageOf(key)).toMatchObject([
        { model: 'gemini-image-counted', requests: 2, pictures: 2, errors: 0, input_tokens: 10 },
      ])
    })
  })
}
