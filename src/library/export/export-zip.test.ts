import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import yauzl from 'yauzl'
import type { StoredImage } from '../../../contract/image.ts'
import { newId } from '../../base/id.ts'
import { testDatabases } from '../../db/testing.ts'
import { pictureKey } from '../../storage/storage.ts'
import { countOwned } from '../find.ts'
import { drawUnique, openTestLibrary, type TestLibrary } from '../testing.ts'
import { removeImages } from '../trash.ts'
import { exportZip } from './export-zip.ts'

for (const engine of testDatabases()) {
  describe(engine.name, () => {
    let opened: TestLibrary
    beforeAll(async () => {
      opened = await openTestLibrary(engine)
    })
    afterAll(() => opened?.[Symbol.asyncDispose]())

    const start = (ids: readonly string[]) =>
      exportZip(opened.library, { owner: 'someone', ids, spool: opened.spool })

    /** The chunks share a buffer, so each is copied before the next one is asked for. */
    async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
      const copies: Buffer[] = []
      for await (const chunk of chunks) copies.push(Buffer.from(chunk))
      return Buffer.concat(copies)
    }

    async function unpack(bytes: Buffer): Promise<Map<string, string>> {
      const archive = await yauzl.fromBufferPromise(bytes, { lazyEntries: true, autoClose: false })
      const texts = new Map<string, string>()
      for await (const entry of archive.eachEntry()) {
        const content = await buffer(await archive.openReadStreamPromise(entry))
        texts.set(entry.fileName, content.toString('latin1'))
      }
      return texts
    }

    const linesOf = (entries: Map<string, string>): { id: string; parameters: unknown }[] =>
      (entries.get('manifest.jsonl') ?? '')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))

    async function addTask(): Promise<string> {
      const id = newId()
      const job = {
        kind: 'generate',
        dialect: 'openai',
        model: 'm',
        prompt: 'a fox',
        n: 2,
        quality: 'low',
        user: 'u',
      }
      await opened.library.database.query
        .insertInto('task')
        .values({
          ...{ id, mode: 'sync', owner: 'someone', status: 'completed', job: JSON.stringify(job) },
          ...{ total: 2, completed: 2, failed: 0, error: null, warnings: null, usage_json: null },
          ...{ idempotency_key: null, request_hash: null, webhook_url: null },
          ...{ created_at: 1, started_at: 1, finished_at: 1 },
        })
        .execute()
      return id
    }

    test('more pictures than are loaded at once come in their order, with what their task was asked', async () => {
      const taskId = await addTask()
      const bytes = await drawUnique()
      const images: StoredImage[] = []
      for (let position = 0; position < 230; position += 1) {
        images.push(await opened.add(bytes, { taskId, position }))
      }
      const ids = images.map(({ id }) => id).reverse()
      expect(await countOwned(opened.library, 'someone', ids)).toBe(230)
      expect(await countOwned(opened.library, 'nobody', ids)).toBe(0)
      const entries = await unpack(await collect(start(ids)))
      const lines = linesOf(entries)
      expect(lines.map(({ id }) => id)).toEqual(ids)
      expect(entries.size).toBe(231)
      expect(lines[0]?.parameters).toEqual({ kind: 'generate', n: 2, quality: 'low' })
    })

    test('what disappears while the archive is made is listed, and the archive is whole', async () => {
      const images: StoredImage[] = []
      for (let position = 0; position < 110; position += 1) images.push(await opened.add(await drawUnique()))
      const ids = images.map(({ id }) => id)
      const { library } = opened
      const chunks = start(ids)
      const beginning = Buffer.from((await chunks.next()).value ?? [])
      // One loses its file before its turn; another one is deleted before its rows are loaded.
      const [lost, deleted] = [images[3], images[105]]
      await library.originals.delete(pictureKey(lost?.sha256 ?? '', 'image/png'))
      await library.database.query
        .transaction()
        .execute((query) => removeImages(library, query, 'someone', [deleted?.id ?? '']))
      const entries = await unpack(Buffer.concat([beginning, await collect(chunks)]))
      expect(entries.get('missing.txt')).toBe(`${lost?.id}\n${deleted?.id}\n`)
      expect(linesOf(entries)).toHaveLength(108)
    })

    test('ids that are none at all', async () => {
      const entries = await unpack(await collect(start(['', '\0', "' or 1=1 --", newId().toUpperCase()])))
      expect([...entries.keys()]).toEqual(['manifest.jsonl', 'missing.txt'])
    })
  })
}
