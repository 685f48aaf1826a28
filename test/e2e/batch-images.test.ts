import { readdir, readlink, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import yauzl from 'yauzl'
import { newId } from '../../src/base/id.ts'
import { pictureKey } from '../../src/storage/storage.ts'
import { json, sdk, startWithAnyModel, type TestGateway } from '../pictor.ts'
import { filesIn } from '../traces.ts'
import { generateWith } from './ask.ts'
import { eventually, rowOf, sha256Of, storedBytes } from './evidence.ts'

let pictor: TestGateway
/** The key of somebody else. */
let otherKey: string
beforeAll(async () => {
  // Each request comes from another client, so that none is refused for being one too many.
  pictor = await startWithAnyModel({ TRUST_PROXY: 'loopback' })
  otherKey = (await pictor.app.parts.keys.create({ name: 'other' })).secret
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

let clients = 0
function ask(path: string, init: RequestInit = {}, key: string | undefined = pictor.key): Promise<Response> {
  clients += 1
  const address = `10.0.${Math.floor(clients / 250)}.${clients % 250}`
  const authorization = key === '' ? {} : { authorization: `Bearer ${key}` }
  const headers = { 'x-forwarded-for': address, ...authorization, ...init.headers }
  return fetch(`${pictor.url}/api/v1${path}`, { ...init, headers })
}
const post = (imageIds: unknown, key?: string) => ask('/images/export', json({ imageIds }), key)

interface Drawn {
  prompt?: string
  n?: number
  bytes?: number
  key?: string
}

async function draw({ prompt = 'a red fox', n = 1, bytes, key = pictor.key }: Drawn = {}): Promise<string[]> {
  const model = `image-${bytes}`
  pictor.upstream.behave(model, { name: 'b64', ...(bytes ? { bytes } : {}) })
  const body = { model, prompt, n, size: '640x320', response_format: 'url' }
  const { data }: { data: { image_id: string }[] } = await generateWith(sdk(pictor.url, key), body)
  return data.map(({ image_id }) => image_id)
}

const drawOne = async (options: Drawn = {}): Promise<string> => (await draw(options))[0] ?? ''

describe('bytes', () => {
  test('are those of the public picture, with all its headers, for whoever knows the id', async () => {
    const id = await drawOne()
    const bytes = await storedBytes(pictor, id)
    const [ours, open] = [await ask(`/images/${id}`, {}, ''), await fetch(`${pictor.url}/images/${id}`)]
    expect(ours.status).toBe(200)
    expect(sha256Of(await ours.bytes())).toBe(sha256Of(bytes))
    for (const name of [
      'etag',
      'content-type',
      'cache-control',
      'content-disposition',
      'x-content-type-options',
    ]) {
      expect([name, ours.headers.get(name)]).toEqual([name, open.headers.get(name)])
    }
    const etag = ours.headers.get('etag') ?? ''
    expect((await ask(`/images/${id}`, { headers: { 'if-none-match': etag } })).status).toBe(304)
    const part = await ask(`/images/${id}`, { headers: { range: 'bytes=10-19' } })
    expect([part.status, await part.bytes()]).toEqual([206, new Uint8Array(bytes.subarray(10, 20))])
    const head = await ask(`/images/${id}`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes.length)])
  })

  test('a download has a name that tells what it is, in any script', async () => {
    const id = await drawOne({ prompt: '雪中的 Fox "../x"\n' })
    const reply = await ask(`/images/${id}/download`, {}, '')
    expect(sha256Of(await reply.bytes())).toBe(sha256Of(await storedBytes(pictor, id)))
    const day = new Date().toISOString().slice(0, 10)
    const disposition = reply.headers.get('content-disposition') ?? ''
    expect(disposition).toMatch(/^attachment; filename="[\w.-]+\.png"; filename\*=UTF-8''[\w.%-]+\.png$/)
    const name = decodeURIComponent(/UTF-8''(.+)$/.exec(disposition)?.[1] ?? '')
    expect(name.replace(/^\d{4}-\d\d-\d\d/, day)).toBe(`${day}_雪中的-fox-x_${id.slice(-8)}.png`)
    expect((await ask(`/images/${id}/download`, { method: 'HEAD' })).headers.get('content-disposition')).toBe(
      disposition,
    )
  })

  test('a thumbnail is webp of the size that was asked for', async () => {
    const id = await drawOne()
    const reply = await ask(`/images/${id}/thumbnail?size=320`, {}, '')
    expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'image/webp'])
    const wrong = await ask(`/images/${id}/thumbnail?size=7`)
    expect([wrong.status, await wrong.json()]).toMatchObject([400, { code: 400, param: 'size' }])
  })

  test('there is no placeholder for what is not there', async () => {
    for (const path of [newId(), 'x', `${newId()}/download`, `${newId()}/thumbnail`]) {
      const reply = await ask(`/images/${path}`)
      expect([reply.status, await reply.json()]).toEqual([404, { code: 404, message: '图片不存在' }])
    }
    const english = await ask(`/images/${newId()}`, { headers: { 'accept-language': 'en' } })
    expect(await english.json()).toEqual({ code: 404, message: 'There is no image with this id.' })
  })
})

describe('DELETE /images/{id}', () => {
  const remove = (id: string, key?: string) => ask(`/images/${id}`, { method: 'DELETE' }, key)
  const completedOf = async (taskId: string) =>
    (
      await pictor.app.parts.gateway.database.query
        .selectFrom('task')
        .select('completed')
        .where('id', '=', taskId)
        .executeTakeFirstOrThrow()
    ).completed

  test('the picture is gone at once, everywhere, and its task counts one less, never below 0', async () => {
    const [first = '', second = ''] = await draw({ n: 2 })
    const { task_id: taskId } = await rowOf(pictor, first)
    expect((await fetch(`${pictor.url}/images/${first}`)).status).toBe(200)
    const reply = await remove(first)
    expect([reply.status, await reply.json()]).toEqual([200, { code: 0, message: 'success', data: null }])
    expect((await fetch(`${pictor.url}/images/${first}`)).status).toBe(404)
    expect((await ask(`/images/${first}/thumbnail`)).status).toBe(404)
    expect(await completedOf(taskId)).toBe(1)
    expect((await fetch(`${pictor.url}/images/${second}`)).status).toBe(200)

    const { query } = pictor.app.parts.gateway.database
    await query.updateTable('task').set({ completed: 0 }).where('id', '=', taskId).execute()
    expect((await remove(second)).status).toBe(200)
    expect(await completedOf(taskId)).toBe(0)
  })

  test('twice, somebody else’s, or none: 404', async () => {
    const id = await drawOne()
    expect((await remove(id, otherKey)).status).toBe(404)
    expect((await fetch(`${pictor.url}/images/${id}`)).status).toBe(200)
    const replies = await Promise.all([remove(id), remove(id), remove(id)])
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 404, 404])
    for (const unknown of [newId(), 'x', '..%2f..']) {
      const reply = await remove(unknown)
      expect([reply.status, await reply.json()]).toEqual([404, { code: 404, message: '图片不存在' }])
    }
    expect((await remove(newId(), '')).status).toBe(401)
  })
})

describe('POST /images/export', () => {
  interface Line {
    id: string
    file: string
  }

  /** Every entry by its name, read by an independent reader. */
  async function unpack(reply: Response): Promise<Map<string, Buffer>> {
    const archive = await yauzl.fromBufferPromise(Buffer.from(await reply.arrayBuffer()), {
      lazyEntries: true,
      autoClose: false,
    })
    const entries = new Map<string, Buffer>()
    for await (const entry of archive.eachEntry()) {
      expect([entry.compressionMethod, entries.has(entry.fileName)]).toEqual([0, false])
      entries.set(entry.fileName, await buffer(await archive.openReadStreamPromise(entry)))
    }
    return entries
  }

  const linesOf = (entries: Map<string, Buffer>): Line[] =>
    String(entries.get('manifest.jsonl'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))

  test('the pictures, byte for byte, in the order of the request, each with its recipe', async () => {
    const ids = [
      ...(await draw({ prompt: 'a red fox\nin the snow', n: 2 })),
      await drawOne({ prompt: '狐狸', bytes: 5_000_000 }),
      ...(await draw({ prompt: 'a red fox\nin the snow' })),
    ].reverse()
    const reply = await post([...ids, ...ids])
    expect(reply.status).toBe(200)
    expect(Object.fromEntries(reply.headers)).toMatchObject({
      'content-type': 'application/zip',
      'content-disposition': 'attachment; filename="images.zip"',
      'cache-control': 'no-store',
    })
    expect(reply.headers.has('x-export-partial')).toBe(false)
    const entries = await unpack(reply)
    const lines = linesOf(entries)
    expect(lines.map(({ id }) => id)).toEqual(ids)
    expect([...entries.keys()]).toEqual([...lines.map(({ file }) => file), 'manifest.jsonl'])
    for (const { id, file } of lines) {
      const row = await rowOf(pictor, id)
      expect(sha256Of(entries.get(file) ?? Buffer.alloc(0))).toBe(row.sha256)
      expect(lines.find((line) => line.id === id)).toEqual({
        ...{
          id,
          file,
          prompt: row.prompt,
          sent_prompt: null,
          revised_prompt: row.revised_prompt,
          model: row.model,
        },
        ...{ provider: 'openai', upstream_model: row.upstream_model, seed: null, width: 640, height: 320 },
        ...{ mime: 'image/png', bytes: row.bytes, sha256: row.sha256, task_id: row.task_id },
        parameters: { kind: 'generate', n: expect.any(Number), size: '640x320' },
        created_at: new Date(row.created_at).toISOString(),
      })
    }
  })

  test('what is not there, not one’s own or lost on the disk is listed; the rest comes', async () => {
    const [mine, lost, others] = [await drawOne(), await drawOne(), await drawOne({ key: otherKey })]
    const { sha256, mime } = await rowOf(pictor, lost)
    await rm(join(pictor.dataDirectory, 'images', pictureKey(sha256, mime)))
    const none = newId()
    const reply = await post([none, mine, others, lost, 'x\ny'])
    expect([reply.status, reply.headers.get('x-export-partial')]).toEqual([200, 'true'])
    const entries = await unpack(reply)
    expect(linesOf(entries).map(({ id }) => id)).toEqual([mine])
    expect([...entries.keys()].slice(1)).toEqual(['manifest.jsonl', 'missing.txt'])
    expect(String(entries.get('missing.txt'))).toBe(`${none}\n${others}\n${lost}\nx?y\n`)
  })

  test('the other name of the field; none found; ten thousand ids', async () => {
    const id = await drawOne()
    const alias = await unpack(await ask('/images/export', json({ image_ids: [id] })))
    expect(linesOf(alias).map((line) => line.id)).toEqual([id])
    const none = await post([newId()])
    expect([none.status, await none.json()]).toEqual([404, { code: 404, message: '图片不存在' }])
    const many = await post([id, ...Array.from({ length: 9_999 }, () => newId())])
    expect(many.status).toBe(200)
    const entries = await unpack(many)
    expect(String(entries.get('missing.txt')).trimEnd().split('\n')).toHaveLength(9_999)
  })

  test.each([
    [{ imageIds: [] }, 'imageIds'],
    [{ image_ids: [] }, 'image_ids'],
    [{}, 'imageIds'],
    [{ imageIds: 'x' }, 'imageIds'],
    [{ imageIds: [1, 2] }, 'imageIds'],
    [{ imageIds: [''] }, 'imageIds'],
    [{ imageIds: ['x'.repeat(200)] }, 'imageIds'],
    [{ imageIds: { 0: 'x' } }, 'imageIds'],
    [{ imageIds: Array.from({ length: 10_001 }, () => 'x') }, 'imageIds'],
    [[], 'imageIds'],
    ['x', 'imageIds'],
  ])('wrong arguments are refused (%#)', async (body, param) => {
    const reply = await ask('/images/export', json(body))
    expect([reply.status, await reply.json()]).toEqual([400, { code: 400, message: '参数错误', param }])
  })

  test('without a key nothing is exported', async () => {
    expect((await post([await drawOne()], '')).status).toBe(401)
  })

  test('when the client leaves in the middle, everything is closed', async () => {
    const ids = await draw({ n: 4, bytes: 8_000_000 })
    const leaving = new AbortController()
    const init = { ...json({ imageIds: ids }), signal: leaving.signal }
    const reply = await ask('/images/export', init)
    const reader = reply.body?.getReader()
    expect((await reader?.read())?.value?.length).toBeGreaterThan(0)
    expect(await openPictures()).not.toEqual([])
    leaving.abort()
    await eventually(async () => ((await openPictures()).length === 0 ? true : undefined))
    await eventually(async () =>
      (await filesIn(join(pictor.dataDirectory, 'spool'))).length === 0 ? true : undefined,
    )
    expect(linesOf(await unpack(await post(ids.slice(0, 1))))).toHaveLength(1)
  })

  async function openPictures(): Promise<string[]> {
    const links = (await readdir('/proc/self/fd')).map((fd) =>
      readlink(`/proc/self/fd/${fd}`).catch(() => ''),
    )
    const paths = await Promise.all(links)
    return paths.filter((path) => path.startsWith(join(pictor.dataDirectory, 'images')))
  }
})
