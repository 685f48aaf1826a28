import { once } from 'node:events'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { BatchMessage, BatchTask } from '../../contract/batch.ts'
import { newId } from '../../src/base/id.ts'
import { startWithAnyModel, type TestGateway } from '../pictor.ts'
import { anyClient, ask, begin, endOf, statusOf } from './batch.ts'
import { callsFor, eventually } from './evidence.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel({ WORKERS: '2', WEBSOCKET_LIMIT: '60', TRUST_PROXY: 'loopback' })
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

/** What a listener hears, and how it ends. */
interface Listener {
  socket: WebSocket
  messages: BatchMessage[]
  closed: Promise<number>
}

function listen(taskId: string, { key = pictor.key, ...headers }: Record<string, string> = {}): Listener {
  const address = `${pictor.url.replace('http', 'ws')}/api/v1/ws/generate/${taskId}?key=${key}`
  const socket = new WebSocket(address, { headers: { ...headers, ...anyClient() } })
  const messages: BatchMessage[] = []
  socket.on('message', (data) => messages.push(JSON.parse(String(data))))
  const closed = once(socket, 'close').then(([code]) => code as number)
  closed.catch(() => undefined)
  return { socket, messages, closed }
}

const slow = (model: string, delay = 100) => pictor.upstream.behave(model, { name: 'b64', delay })

test('a listener hears how the task stands, each picture, and the end', async () => {
  slow('image-heard')
  const task = await begin(pictor, { model: 'image-heard', count: 5 })
  const { messages, closed } = listen(task.id)
  expect(await closed).toBe(1000)
  expect(messages[0]).toMatchObject({ type: 'progress', taskId: task.id, totalCount: 5 })
  const done = await statusOf(pictor, task.id)
  expect(messages.at(-1)).toEqual({
    type: 'complete',
    taskId: task.id,
    completedCount: 5,
    totalCount: 5,
    latestImage: null,
    message: '任务完成: 成功 5, 失败 0',
  })
  const told = messages.slice(0, -1)
  expect(told.every(({ type }) => type === 'progress')).toBe(true)
  expect(told.map(({ message, completedCount }) => message === `已完成 ${completedCount}/5`)).not.toContain(
    false,
  )
  const counts = told.map(({ completedCount }) => completedCount)
  expect(counts).toEqual(counts.toSorted((a, b) => a - b))
  expect(counts.at(-1)).toBe(5)
  const shown = new Set(told.flatMap(({ latestImage }) => latestImage?.id ?? []))
  expect(shown).toEqual(new Set(done.images.map(({ id }) => id)))
  expect(done.images).toContainEqual(told.at(-1)?.latestImage)
})

test('who comes later begins with what is there; English is spoken where it is asked for', async () => {
  slow('image-later', 150)
  const task = await begin(pictor, { model: 'image-later', count: 4 })
  const first = listen(task.id)
  await eventually(() =>
    first.messages.some(({ completedCount }) => completedCount >= 2) ? true : undefined,
  )
  const later = listen(task.id, { 'accept-language': 'en' })
  await later.closed
  expect(later.messages[0]?.completedCount).toBeGreaterThanOrEqual(2)
  expect(later.messages[0]?.latestImage).not.toBeNull()
  expect(later.messages.at(-1)?.message).toBe('Task finished: 4 succeeded, 0 failed')
  expect(first.messages.at(-1)?.message).toBe('任务完成: 成功 4, 失败 0')
})

test('a finished task answers at once, an unknown one and another’s are closed with 4404', async () => {
  const task = await endOf(pictor, await begin(pictor, { model: 'image-finished', count: 2 }))
  const { messages, closed } = listen(task.id)
  expect(await closed).toBe(1000)
  expect(messages).toMatchObject([{ type: 'complete', completedCount: 2, totalCount: 2 }])
  const { secret } = await pictor.app.parts.keys.create({ name: 'stranger' })
  for (const stranger of [listen(newId()), listen('nonsense'), listen(task.id, { key: secret })]) {
    expect(await stranger.closed).toBe(4404)
    expect(stranger.messages).toEqual([])
  }
})

test('without a key the socket does not open', async () => {
  const { socket } = listen(newId(), { key: 'wrong' })
  const [error] = await once(socket, 'error').catch((thrown: unknown) => [thrown])
  expect(String(error)).toContain('401')
})

test('a failure on our side is told before the end; one of the upstream is a failed picture', async () => {
  pictor.upstream.behave('image-moderated', [
    { name: 'b64', delay: 50 },
    { name: 'moderation-400', delay: 50 },
  ])
  const task = await begin(pictor, { model: 'image-moderated', count: 3 })
  const { messages, closed } = listen(task.id)
  await closed
  expect(messages.at(-1)).toMatchObject({
    type: 'complete',
    completedCount: 1,
    message: '任务完成: 成功 1, 失败 2',
  })
  expect(messages.some(({ type }) => type === 'error')).toBe(false)

  slow('image-broken', 400)
  const broken = await begin(pictor, { model: 'image-broken', count: 1 })
  const listener = listen(broken.id)
  await eventually(() => (callsFor(pictor.upstream, 'image-broken').length > 0 ? true : undefined))
  const folder = join(pictor.dataDirectory, 'images')
  await rename(folder, `${folder}-away`)
  await writeFile(folder, 'no folder any more')
  await listener.closed
  await rm(folder)
  await rename(`${folder}-away`, folder)
  expect(listener.messages.slice(-2)).toMatchObject([
    { type: 'error', message: '任务处理异常: 服务器内部错误' },
    { type: 'complete', completedCount: 0, message: '任务完成: 成功 0, 失败 1' },
  ])
  expect(JSON.stringify(listener.messages)).not.toContain(folder)
})

test('a stopped task ends its listeners', async () => {
  slow('image-halted', 200)
  const task = await begin(pictor, { model: 'image-halted', count: 6 })
  const { messages, closed } = listen(task.id)
  await eventually(() => (messages.some(({ completedCount }) => completedCount > 0) ? true : undefined))
  await ask<BatchTask>(pictor, `/generate/cancel/${task.id}`, { method: 'POST' })
  expect(await closed).toBe(1000)
  expect(messages.at(-1)).toMatchObject({ type: 'complete' })
})

test('more listeners than there is room for are accepted and closed with 1013', async () => {
  slow('image-crowd', 1500)
  const task = await begin(pictor, { model: 'image-crowd', count: 2 })
  const crowd = Array.from({ length: 60 }, () => listen(task.id))
  await Promise.all(crowd.map(({ socket }) => once(socket, 'open')))
  const late = listen(task.id)
  expect(await late.closed).toBe(1013)
  for (const { closed, messages } of crowd) {
    expect(await closed).toBe(1000)
    expect(messages.at(-1)).toMatchObject({ type: 'complete', completedCount: 2 })
  }
  const again = listen(task.id)
  expect(await again.closed).toBe(1000)
})

test('a listener hears something while nothing happens: a known front end takes 15 s of silence for a broken line', async () => {
  pictor.upstream.behave('image-patience', { name: 'b64', delay: 10_600 })
  const { messages, closed } = listen((await begin(pictor, { model: 'image-patience', count: 1 })).id)
  await closed
  expect(messages.map(({ type, completedCount }) => [type, completedCount])).toEqual([
    ['progress', 0],
    ['progress', 0],
    ['progress', 1],
    ['complete', 1],
  ])
})
