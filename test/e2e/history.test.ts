import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BatchTask } from '../../contract/batch.ts'
import { newId } from '../../src/base/id.ts'
import { indexOlderTasks } from '../../src/gateway/index-tasks.ts'
import { purgeTasks } from '../../src/gateway/purge-tasks.ts'
import { purgeTrash } from '../../src/library/purge.ts'
import { json, startWithAnyModel, type TestGateway } from '../pictor.ts'
import { countRows, findOrphans } from '../traces.ts'
import { paint, whole } from '../upstreams/pictures.ts'
import { anyClient, ask, begin, call, endOf, type HistoryData, history } from './batch.ts'
import { callsFor, eventually } from './evidence.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel({ TRUST_PROXY: 'loopback', WORKERS: '4' })
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

/** A key of a test's own, with a history of its own. */
async function someone(): Promise<Pick<TestGateway, 'fetch'>> {
  const { secret } = await pictor.app.parts.keys.create({ name: 'someone' })
  return {
    fetch: (path, init = {}) =>
      pictor.fetch(path, { ...init, headers: { ...init.headers, authorization: `Bearer ${secret}` } }),
  }
}

const search = (owner: Pick<TestGateway, 'fetch'>, keyword: string, more = ''): Promise<HistoryData> =>
  ask(owner, `/history/search?keyword=${encodeURIComponent(keyword)}${more}`)

const remove = (owner: Pick<TestGateway, 'fetch'>, path: string, body?: unknown) =>
  call<null>(owner, path, body === undefined ? { method: 'DELETE' } : { ...json(body), method: 'DELETE' })

const idsOf = ({ list }: HistoryData) => list.map(({ id }) => id)

test('everything that was asked for is there, whatever the way, newest first', async () => {
  const owner = await someone()
  expect(await history(owner)).toEqual({ list: [], total: 0, page: 1, pageSize: 10 })
  const batch = await endOf(owner, await begin(owner, { model: 'image-h', count: 3, prompt: 'a batch' }))
  const single = await owner.fetch(
    '/v1/images/generations',
    json({ model: 'image-h', prompt: 'a single', n: 2 }),
  )
  expect(single.status).toBe(200)
  const chat = await owner.fetch(
    '/v1/chat/completions',
    json({ model: 'image-h', messages: [{ role: 'user', content: 'out of a chat' }] }),
  )
  expect(chat.status).toBe(200)
  const { list, total } = await history(owner)
  expect(total).toBe(3)
  expect(
    list.map(({ prompt, images, status, totalCount }) => [prompt, images.length, status, totalCount]),
  ).toEqual([
    ['out of a chat', 1, 'completed', 1],
    ['a single', 2, 'completed', 2],
    ['a batch', 3, 'completed', 3],
  ])
  expect(list[2]).toEqual(batch)
  expect(await ask(owner, `/history/${batch.id}`)).toEqual(batch)
})

test('pages by number and by cursor, which stays right while new tasks arrive', async () => {
  const owner = await someone()
  const ids: string[] = []
  for (let index = 0; index < 7; index += 1) {
    ids.unshift((await begin(owner, { model: 'image-paged', prompt: `page ${index}` })).id)
  }
  const first = await history(owner, '?page=1&pageSize=3')
  expect(first).toMatchObject({ total: 7, page: 1, pageSize: 3, nextCursor: ids[2] })
  expect(idsOf(first)).toEqual(ids.slice(0, 3))
  expect(idsOf(await history(owner, '?page=3&pageSize=3'))).toEqual(ids.slice(6))
  expect(idsOf(await history(owner, '?page=4&pageSize=3'))).toEqual([])
  const newest = await begin(owner, { model: 'image-paged', prompt: 'a new one' })
  const second = await history(owner, `?pageSize=3&cursor=${first.nextCursor}`)
  expect(idsOf(second)).toEqual(ids.slice(3, 6))
  const last = await history(owner, `?pageSize=3&cursor=${second.nextCursor}`)
  expect(idsOf(last)).toEqual(ids.slice(6))
  expect(last.nextCursor).toBeUndefined()
  expect(idsOf(await history(owner, '?pageSize=1'))).toEqual([newest.id])
})

test('words find prompts: all of them, in whatever language, the best first', async () => {
  const owner = await someone()
  const prompts = [
    '油画女孩',
    '写实绘画创作',
    '油画vlog',
    'a beautiful girl in the rain',
    '城市夜景，赛博朋克风格',
  ]
  const tasks = new Map<string, string>()
  for (const prompt of prompts) tasks.set((await begin(owner, { model: 'image-words', prompt })).id, prompt)
  const found = async (keyword: string) =>
    idsOf(await search(owner, keyword))
      .map((id) => tasks.get(id))
      .sort()
  expect(await found('油画')).toEqual(['油画vlog', '油画女孩'].sort())
  expect(await found('油画 女孩')).toEqual(['油画女孩'])
  expect(await found('创作 写实')).toEqual(['写实绘画创作'])
  expect(await found('Ｂｅａｕｔｉｆｕｌ GIRL')).toEqual(['a beautiful girl in the rain'])
  expect(await found('girl 油画')).toEqual([])
  expect(await found('"赛博朋克" AND -*')).toEqual([])
  expect(await found('"赛博朋克" -*')).toEqual(['城市夜景，赛博朋克风格'])
  expect(await search(owner, ' 油画 ', '&pageSize=1&page=2')).toMatchObject({
    total: 2,
    page: 2,
    pageSize: 1,
    keyword: '油画',
  })
  expect(await search(await someone(), '油画')).toMatchObject({ list: [], total: 0 })
  expect(await call(owner, '/history/search')).toEqual({ code: 400, message: '请输入搜索关键词' })
  expect(await call(owner, '/history/search?keyword=%20')).toEqual({ code: 400, message: '请输入搜索关键词' })
})

test('what is deleted is gone from everywhere, and from nobody else', async () => {
  const [owner, other] = [await someone(), await someone()]
  const make = async (prompt: string) =>
    endOf(owner, await begin(owner, { model: 'image-deleted', count: 2, prompt }))
  const [first, second, third, fourth] = [
    await make('one heron'),
    await make('two herons'),
    await make('heron'),
    await make('heron'),
  ]
  expect(await remove(other, `/history/${first.id}`)).toEqual({ code: 404, message: '记录不存在' })
  expect(await remove(other, '/history/batch', { ids: [first.id] })).toMatchObject({ code: 0 })
  expect(await history(owner)).toMatchObject({ total: 4 })

  expect(await remove(owner, `/history/${first.id}`)).toEqual({ code: 0, message: 'success', data: null })
  expect(await remove(owner, `/history/${first.id}`)).toMatchObject({ code: 404 })
  expect(await call(owner, `/history/${first.id}`)).toMatchObject({ code: 404, message: '记录不存在' })
  expect(await call(owner, `/generate/status/${first.id}`)).toMatchObject({ code: 404 })
  expect(await search(owner, 'one')).toMatchObject({ total: 0 })
  expect(idsOf(await history(owner))).toEqual([fourth.id, third.id, second.id])
  for (const { url, thumbnailUrl } of first.images)
    for (const address of [url, thumbnailUrl]) expect((await fetch(address)).status).toBe(404)
  for (const { url } of second.images) expect((await fetch(url)).status).toBe(200)

  const ids = [second.id, third.id, third.id, newId(), 'nonsense']
  expect(await remove(owner, '/history/batch', { ids })).toMatchObject({ code: 0, data: null })
  expect(await history(owner)).toMatchObject({ total: 1, list: [{ id: fourth.id }] })
  expect(await search(owner, 'heron')).toMatchObject({ total: 1 })
})

test('a task that is deleted while it runs is stopped, and leaves no picture', async () => {
  const owner = await someone()
  pictor.upstream.behave('image-running', { name: 'b64', delay: 150 })
  const task = await begin(owner, { model: 'image-running', count: 40 })
  const some = await eventually(async () => {
    const now = await ask<BatchTask>(owner, `/generate/status/${task.id}`)
    return now.images.length > 0 ? now : undefined
  })
  await remove(owner, `/history/${task.id}`)
  const { query } = pictor.app.parts.gateway.database
  const images = () => query.selectFrom('image').selectAll().where('task_id', '=', task.id).execute()
  await eventually(async () => {
    const row = await query.selectFrom('task').select('status').where('id', '=', task.id).executeTakeFirst()
    return row?.status !== 'running' ? true : undefined
  })
  await eventually(async () =>
    (await images()).every(({ deleted_at }) => deleted_at !== null) ? true : undefined,
  )
  expect((await fetch(some.images[0]?.url ?? '')).status).toBe(404)
  expect(callsFor(pictor.upstream, 'image-running').length).toBeLessThan(40)
})

test.each([
  ['/history?page=0', 'page'],
  ['/history?pageSize=101', 'pageSize'],
  ['/history?page=x', 'page'],
  ['/history?cursor=nonsense', 'cursor'],
  ['/history/search?keyword=x&pageSize=0', 'pageSize'],
])('%s is refused with its field', async (path, param) => {
  expect(await call(pictor, path)).toEqual({
    code: 400,
    message: '参数错误',
    param,
    detail: expect.stringContaining(param),
  })
})

test.each([[{}], [{ ids: [] }], [{ ids: 'all' }], [[]]])('a list of ids that is none: %j', async (body) => {
  expect(await remove(pictor, '/history/batch', body)).toMatchObject({ code: 400, message: '参数错误' })
  const english = await pictor.fetch('/api/v1/history/batch', {
    ...json(body, { 'accept-language': 'en', ...anyClient() }),
    method: 'DELETE',
  })
  expect(await english.json()).toMatchObject({ code: 400, message: 'The arguments are wrong.' })
})

test('what was deleted is freed when the trash is emptied, references too', async () => {
  let now = Date.now()
  const clock = { now: () => now }
  await using pictor = await startWithAnyModel({ TRUST_PROXY: 'loopback', TRASH_DAYS: '3' }, { clock })
  const { database } = pictor.app.parts.gateway
  const picture = whole(await paint({ width: 24, height: 24, format: 'png', mark: 'reference' }))
  const form = new FormData()
  for (const [name, value] of Object.entries({ prompt: 'a heron', model: 'image-purged', count: '2' }))
    form.append(name, value)
  form.append('refImages', new Blob([new Uint8Array(picture)]), 'ref.png')
  const task = await ask<BatchTask>(pictor, '/generate/batch-with-images', { method: 'POST', body: form })
  await endOf(pictor, task)
  const kept = await endOf(pictor, await begin(pictor, { model: 'image-purged' }))
  await remove(pictor, `/history/${task.id}`)
  const purge = () => {
    const signal = AbortSignal.timeout(10_000)
    const before = now - 3 * 24 * 60 * 60 * 1000
    return purgeTasks(pictor.app.parts.gateway, { before, signal }).then(() =>
      purgeTrash(pictor.app.parts.gateway.library, { before, signal }),
    )
  }
  await purge()
  expect(await countRows(database)).toMatchObject({ task: 2, task_input: 1, image: 3, blob: 4 })
  now += 3 * 24 * 60 * 60 * 1000 + 1
  await purge()
  expect(await countRows(database)).toMatchObject({ task: 1, task_input: 0, image: 1, blob: 1 })
  expect(await findOrphans({ ...pictor, database })).toEqual([])
  expect(idsOf(await history(pictor))).toEqual([kept.id])
})

test('tasks from before the search can be found, once and for all', async () => {
  const owner = await someone()
  const { gateway } = pictor.app.parts
  const ids: string[] = []
  for (let index = 0; index < 5; index += 1)
    ids.push((await begin(owner, { model: 'image-older', prompt: `an older heron ${index}` })).id)
  await gateway.search.remove(gateway.database.query, ids)
  expect(await search(owner, 'older')).toMatchObject({ total: 0 })
  await indexOlderTasks(gateway, AbortSignal.timeout(10_000))
  expect(await search(owner, 'older')).toMatchObject({ total: 0 })
  await gateway.database.query.deleteFrom('setting').where('name', '=', 'search_indexed_until').execute()
  await indexOlderTasks(gateway, AbortSignal.timeout(10_000))
  expect(await search(owner, 'older')).toMatchObject({ total: 5 })
})
