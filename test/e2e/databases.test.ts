import { describe, expect, test, vi } from 'vitest'
import { testDatabases } from '../../src/db/testing.ts'
import { json, startPictor } from '../pictor.ts'
import { findOrphans } from '../traces.ts'

interface Reply {
  id: string
  status: string
  data: { image_id: string }[]
}

for (const engine of testDatabases()) {
  describe(engine.name, () => {
    test('whole requests: strange prompts, one key at once, edits, a job; and no orphan', async () => {
      await using opened = await engine.open()
      await using pictor = await startPictor({ DATABASE_URL: opened.url })
      const send = (path: string, body: Record<string, unknown>, headers: Record<string, string> = {}) => {
        const init = json({ size: '64x64', response_format: 'url', ...body })
        return pictor.fetch(path, { ...init, headers: { ...init.headers, ...headers } })
      }
      const prompts = ['a \0 fox', 'a \ud800 fox', '🦊 狐狸', `'; drop table image; -- \\`]
      for (const prompt of prompts) {
        const reply = await send('/v1/images/generations', { prompt, user: prompt, note: prompt })
        expect({ prompt, status: reply.status }).toEqual({ prompt, status: 200 })
      }

      const key = { 'idempotency-key': 'at once' }
      const body = { prompt: 'a fox' }
      const replies = await Promise.all([1, 2, 3].map(() => send('/v1/images/generations', body, key)))
      const texts = await Promise.all(replies.map((reply) => reply.text()))
      expect(new Set(texts).size).toBe(1)
      const { data } = JSON.parse(texts[0] ?? '') as Reply

      const image = [{ image_url: `${pictor.url}/images/${data[0]?.image_id}` }]
      expect((await send('/v1/images/edits', { prompt: 'in winter', images: image })).status).toBe(200)

      const job = (await (
        await send('/v1/images/generations', { ...body, n: 2, async: true })
      ).json()) as Reply
      const finished = await vi.waitFor(
        async () => {
          const reply = await pictor.fetch(`/v1/images/jobs/${job.id}`)
          const found = (await reply.json()) as Reply
          expect(found.status).toBe('completed')
          return found
        },
        { timeout: 10_000 },
      )
      expect(finished).toMatchObject({ result: { data: [{}, {}] } })
      const { database } = opened
      await vi.waitFor(async () =>
        expect(await findOrphans({ dataDirectory: pictor.dataDirectory, database })).toEqual([]),
      )
    })
  })
}
