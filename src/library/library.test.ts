import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, describe, expect, test } from 'vitest'
import type { ImageJob } from '../../contract/job.ts'
import { systemClock } from '../base/clock.ts'
import { newId } from '../base/id.ts'
import { createLog } from '../base/log.ts'
import { openSpoolDirectory } from '../bytes/spool.ts'
import { chunked, sha256 } from '../bytes/testing.ts'
import { testDatabases } from '../db/testing.ts'
import { openLocalStorage } from '../storage/local.ts'
import { addImage, type NewImage } from './add.ts'
import { holdBlob, localBlob, noteBlob, putBlob } from './blob.ts'
import { deliverable, imageUrl } from './deliver.ts'
import { createDerivePool } from './derive/derive-pool.ts'
import { createDeriver } from './derive/deriver.ts'
import { findImage, findSignatures, imagesOfTask, latestImages } from './find.ts'
import type { Library } from './library.ts'
import { findServed } from './served.ts'
import { createServedMemory } from './served-memory.ts'

const JOB: ImageJob = { kind: 'generate', dialect: 'openai', model: 'm', prompt: 'a fox', n: 1 }

for (const engine of testDatabases()) {
  describe(engine.name, async () => {
    const opened = await engine.open()
    const { database } = opened
    const folder = await mkdtemp(join(tmpdir(), 'pictor-library-'))
    const originals = await openLocalStorage(join(folder, 'images'))
    const spools = await openSpoolDirectory(join(folder, 'spool'))
    const spool = spools.scope()
    const log = createLog('silent')
    const clock = systemClock
    const directory = join(folder, 'derived')
    const deriver = createDeriver({ database, originals, directory, pool: createDerivePool(), clock, log })
    const served = createServedMemory()
    const library: Library = { database, originals, deriver, served, clock, log }
    afterAll(async () => {
      await deriver.close()
      await spools.close()
      await opened[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    })

    const draw = (colour: string) =>
      sharp({ create: { width: 40, height: 30, channels: 3, background: colour } })
        .png()
        .toBuffer()
    const spooled = async (bytes: Buffer) => spool.receive(chunked(bytes))
    const newImage = async (bytes: Buffer, differences: Partial<NewImage> = {}): Promise<NewImage> => ({
      picture: await spooled(bytes),
      taskId: newId(),
      position: 0,
      owner: 'someone',
      provider: 'demo',
      model: 'm',
      upstreamModel: 'u',
      prompt: 'a fox',
      sentPrompt: undefined,
      revisedPrompt: undefined,
      seed: undefined,
      signature: undefined,
      details: {},
      ...differences,
    })
    const countOf = async (digest: string) =>
      (
        await database.query
          .selectFrom('blob')
          .select('reference_count')
          .where('sha256', '=', digest)
          .executeTakeFirst()
      )?.reference_count

    test('signatures are found by the bytes, for their owner, the latest of several', async () => {
      const owner = newId()
      const signed = async (colour: string, signature?: string) =>
        addImage(library, await newImage(await draw(colour), { owner, signature }))
      const { sha256: first } = await signed('teal', 'old')
      await signed('teal', 'new')
      await signed('teal')
      const { sha256: unsigned } = await signed('pink')
      const known = findSignatures(library, owner, [first, unsigned, 'none'])
      expect(await known).toEqual(new Map([[first, 'new']]))
      expect(await findSignatures(library, 'someone else', [first])).toEqual(new Map())
    })

    test('a picture is kept byte for byte and found by its id, with all that is known of it', async () => {
      const bytes = await draw('red')
      const facts = {
        prompt: '🦊 狐狸 " \' \\',
        revisedPrompt: 'a red fox',
        seed: Number.MAX_SAFE_INTEGER,
        signature: 's'.repeat(5000),
        details: { quality: 'low', nested: { list: [1, null, '\0'] } },
      }
      const image = await addImage(library, await newImage(bytes, facts))
      expect(image).toMatchObject({
        ...facts,
        sha256: sha256(bytes),
        bytes: bytes.length,
        mime: 'image/png',
        width: 40,
        height: 30,
      })
      expect(await findImage(library, image.id)).toEqual(image)
      expect(await readFile((await localBlob(library, image.sha256)).path)).toEqual(bytes)
      expect(await latestImages(library, 1)).toEqual([image])
    })

    test('NUL, which one engine does not take, is left out; a lone surrogate does no harm', async () => {
      const bytes = await draw('green')
      const names = { model: 'm\0', upstreamModel: '\0u' }
      const texts = { prompt: 'a \0 fox \ud800', revisedPrompt: '\0', ...names }
      const { id } = await addImage(library, await newImage(bytes, texts))
      const found = await findImage(library, id)
      expect(found).toMatchObject({ model: 'm', upstreamModel: 'u', revisedPrompt: '' })
      expect(found?.prompt.toWellFormed()).toBe('a  fox \ufffd')
    })

    test('the same bytes lie there once, however many pictures show them, also at the same moment', async () => {
      const bytes = await draw('blue')
      const taskId = newId()
      const added = [3, 0, 2, 1].map(async (position) =>
        addImage(library, await newImage(bytes, { taskId, position })),
      )
      const images = await Promise.all(added)
      expect(new Set(images.map(({ id }) => id)).size).toBe(4)
      expect(await countOf(sha256(bytes))).toBe(4)
      expect((await imagesOfTask(library, taskId)).map(({ position }) => position)).toEqual([0, 1, 2, 3])
      const files = await Array.fromAsync(originals.list())
      expect(files.filter(({ key }) => key.includes(sha256(bytes)))).toHaveLength(1)
    })

    test('a row that fails does not count as a holder', async () => {
      const bytes = await draw('white')
      const image = await newImage(bytes, { taskId: 'x'.repeat(30), details: { bad: 1n } })
      await expect(addImage(library, image)).rejects.toThrow()
      const held = database.query.transaction().execute(async (query) => {
        await holdBlob(library, query, await spooled(bytes))
        throw new Error('the holder cannot be written')
      })
      await expect(held).rejects.toThrow('the holder')
      expect(await countOf(sha256(bytes))).toBeUndefined()
      const picture = await spooled(bytes)
      await putBlob(library, picture)
      await noteBlob(library, database.query, picture)
      await noteBlob(library, database.query, picture)
      expect(await countOf(sha256(bytes))).toBe(0)
    })

    test('what was never checked does not get in', async () => {
      const picture = await spooled(Buffer.from('no picture'))
      await expect(addImage(library, { ...(await newImage(await draw('red'))), picture })).rejects.toThrow(
        'unchecked',
      )
    })

    test('a picture in the trash and an id that is none are not found', async () => {
      const image = await addImage(library, await newImage(await draw('yellow')))
      await database.query.updateTable('image').set({ deleted_at: 1 }).where('id', '=', image.id).execute()
      expect(await findImage(library, image.id)).toBeUndefined()
      expect(await findServed(library, image.id, 'original')).toBeUndefined()
      expect(await imagesOfTask(library, image.taskId)).toEqual([])
      for (const id of ['', '../../etc/passwd', "' or 1=1 --", newId().toUpperCase(), '\0'])
        expect(await findImage(library, id)).toBeUndefined()
    })

    test('another format than the upstream gave is made before it is linked', async () => {
      const image = await addImage(library, await newImage(await draw('orange')))
      const job = { ...JOB, outputFormat: 'webp' as const, outputCompression: 50 }
      expect(imageUrl('http://x', image, 'png')).toBe(`http://x/images/${image.id}`)
      expect(imageUrl('http://x', image, 'webp')).toBe(`http://x/images/${image.id}?format=webp`)
      const file = await deliverable(library, image, job)
      expect(file).toMatchObject({ mime: 'image/webp', width: 40, height: 30 })
      const bytes = await readFile(file.path)
      expect(bytes.length).toBe(file.bytes)
      expect((await sharp(bytes).metadata()).format).toBe('webp')
      expect(await deliverable(library, image, JOB)).toMatchObject({ mime: 'image/png', bytes: image.bytes })
    })

    test('thumbnails are made in the background, and the original is not touched', async () => {
      const bytes = await draw('purple')
      const image = await addImage(library, await newImage(bytes))
      const served = await findServed(library, image.id, 320)
      expect(served?.headers).toMatchObject({ 'content-type': 'image/webp', etag: `"${image.sha256}-320"` })
      const original = await findServed(library, image.id, 'original')
      expect(await readFile(original?.path ?? '')).toEqual(bytes)
    })
  })
}
