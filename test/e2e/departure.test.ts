import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { json, startWithAnyModel, type TestGateway } from '../pictor.ts'
import { callsFor, eventually, expectPainted, rowsOfModel, storedBytes } from './evidence.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel()
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

/** Asks for a picture, and hangs up `after` ms after the upstream was asked. */
async function leave(model: string, after: number, body: Record<string, unknown> = {}): Promise<void> {
  const leaving = new AbortController()
  const init = { ...json({ model, prompt: 'a cat', size: '64x64', ...body }), signal: leaving.signal }
  const answer = pictor.fetch('/v1/images/generations', init).then((response) => response.text())
  await eventually(() => (callsFor(pictor.upstream, model).length > 0 ? true : undefined))
  await new Promise((resolve) => setTimeout(resolve, after))
  leaving.abort()
  await expect(answer).rejects.toThrow()
}

const statusOf = (model: string) =>
  eventually(async () => {
    const tasks = await pictor.app.parts.gateway.database.query.selectFrom('task').selectAll().execute()
    const task = tasks.find(({ job }) => JSON.parse(job).model === model)
    return task?.finished_at ? task.status : undefined
  })

const ended = (model: string) =>
  eventually(() => {
    const [call] = callsFor(pictor.upstream, model)
    return call?.finished
  })

test('before anything has arrived ends the call to the upstream', async () => {
  pictor.upstream.behave('image-waiting', 'hang')
  await leave('image-waiting', 0)
  expect(await ended('image-waiting')).toBe('aborted')
  expect(await statusOf('image-waiting')).toBe('cancelled')
  expect(await rowsOfModel(pictor, 'image-waiting')).toEqual([])
})

test('before the stream of the upstream has begun ends the call too', async () => {
  pictor.upstream.behave('gpt-image-1-waiting', 'hang')
  await leave('gpt-image-1-waiting', 0, { stream: true, partial_images: 1 })
  expect(await ended('gpt-image-1-waiting')).toBe('aborted')
})

test('while the picture is arriving leaves it in the library', async () => {
  pictor.upstream.behave('image-arriving', { name: 'b64', bytes: 2_000_000, over: 1500 })
  await leave('image-arriving', 500)
  expect(await ended('image-arriving')).toBe('complete')
  expect(await statusOf('image-arriving')).toBe('completed')
  const [row, ...others] = await rowsOfModel(pictor, 'image-arriving')
  expect(others).toEqual([])
  await expectPainted(await storedBytes(pictor, row?.id), {
    width: 64,
    height: 64,
    format: 'png',
    bytes: 2_000_000,
  })
})

test('while a stream is arriving leaves the picture in the library', async () => {
  pictor.upstream.behave('gpt-image-1-arriving', { name: 'sse-partials', bytes: 200_000, over: 1500 })
  await leave('gpt-image-1-arriving', 700, { stream: true, partial_images: 2 })
  expect(await statusOf('gpt-image-1-arriving')).toBe('completed')
  expect(await rowsOfModel(pictor, 'gpt-image-1-arriving')).toHaveLength(1)
})

test('during the pause before a retry ends the request', async () => {
  pictor.upstream.behave('image-retried', ['503', 'b64'])
  await leave('image-retried', 50)
  expect(await statusOf('image-retried')).toBe('cancelled')
  expect(callsFor(pictor.upstream, 'image-retried')).toHaveLength(1)
})

test('leaves nothing in the spool', async () => {
  await eventually(async () => {
    const entries = await readdir(join(pictor.dataDirectory, 'spool'), { recursive: true })
    return entries.some((entry) => entry.includes('/')) ? undefined : true
  })
})
