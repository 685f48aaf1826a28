import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StoredImage } from '../../contract/image.ts'
import { newId } from '../base/id.ts'
import { sha256 } from '../bytes/testing.ts'
import { testDatabases } from '../db/testing.ts'
import { pictureKey } from '../storage/storage.ts'
import { addImage } from './add.ts'
import { holdBlob, noteBlob, putBlob, releaseBlob } from './blob.ts'
import { countOwned, findImage, imagesOfTask, latestImages, ownedImages } from './find.ts'
import type { Library } from './library.ts'
import { purgeTrash } from './purge.ts'
import { findServed } from './served.ts'
import { drawUnique, openTestLibrary, type TestLibrary } from './testing.ts'
import { removeImages, removeImagesOfTasks } from './trash.ts'

const DAY = 24 * 60 * 60 * 1000

for (const engine of testDatabases()) {
  describe(engine.name, () => {
    let opened: TestLibrary
    let library: Library
    beforeAll(async () => {
      opened = await openTestLibrary(engine)
      library = opened.library
    })
    afterAll(() => opened?.[Symbol.asyncDispose]())

    const inTransaction = <T>(work: (query: Library['database']['query']) => Promise<T>) =>
      library.database.query.transaction().execute(work)
    const remove = (ids: readonly string[], owner = 'someone') =>
      inTransaction((query) => removeImages(library, query, owner, ids))
    const purge = (before = library.clock.now(), other: Library = library) =>
      purgeTrash(other, { before, signal: new AbortController().signal })
    const fileOf = async (bytes: Buffer) => {
      const file = await library.originals.open(pictureKey(sha256(bytes), 'image/png'))
      return file && buffer(file.stream())
    }
    const countOf = async (bytes: Buffer) =>
      (
        await library.database.query
          .selectFrom('blob')
          .select('reference_count')
          .where('sha256', '=', sha256(bytes))
          .executeTakeFirst()
      )?.reference_count
    const rowOf = (image: StoredImage) =>
      library.database.query.selectFrom('image').select('id').where('id', '=', image.id).executeTakeFirst()

    test('what is removed is gone from every read at once, and its bytes stay for a while', async () => {
      const bytes = await drawUnique()
      const image = await opened.add(bytes)
      const served = await findServed(library, image.id, 'original')
      if (served) library.served.set(image.id, 'original', served)
      expect(library.served.get(image.id, 'original')).toBeDefined()

      expect(await remove([image.id])).toEqual([
        { id: image.id, taskId: image.taskId, owner: 'someone', bytes: bytes.length },
      ])
      expect(library.served.get(image.id, 'original')).toBeUndefined()
      if (served) library.served.set(image.id, 'original', served)
      expect(library.served.get(image.id, 'original')).toBeUndefined()
      expect(await findImage(library, image.id)).toBeUndefined()
      expect(await findServed(library, image.id, 'original')).toBeUndefined()
      expect(await imagesOfTask(library, image.taskId)).toEqual([])
      expect(await ownedImages(library, 'someone', [image.id])).toEqual([])
      expect(await countOwned(library, 'someone', [image.id])).toBe(0)
      expect((await latestImages(library, 100)).map(({ id }) => id)).not.toContain(image.id)
      expect(await fileOf(bytes)).toEqual(bytes)
    })

    test('only the owner removes, each picture once, also at the same moment', async () => {
      const images = await Promise.all([1, 2, 3].map(async () => opened.add(await drawUnique())))
      const ids = images.map(({ id }) => id)
      expect(await remove(ids, 'somebody else')).toEqual([])
      expect(await remove(['', "' or 1=1 --", '\0', newId()])).toEqual([])
      const both = await Promise.all([
        remove([...ids, ...ids]),
        remove(ids.toReversed()),
        remove(ids.slice(1)),
      ])
      expect(
        both
          .flat()
          .map(({ id }) => id)
          .sort(),
      ).toEqual(ids.sort())
      expect(await remove(ids)).toEqual([])
    })

    test('the pictures of tasks go within the caller’s transaction, or stay with it', async () => {
      const taskId = newId()
      const images = await Promise.all(
        [0, 1, 2].map(async (position) => opened.add(await drawUnique(), { taskId, position })),
      )
      const other = await opened.add(await drawUnique())
      const failed = inTransaction(async (query) => {
        await removeImagesOfTasks(library, query, [taskId])
        throw new Error('the task cannot be removed')
      })
      await expect(failed).rejects.toThrow('the task')
      expect(await imagesOfTask(library, taskId)).toHaveLength(3)
      const removed = await inTransaction((query) => removeImagesOfTasks(library, query, [taskId, newId()]))
      expect(removed.map(({ id }) => id).sort()).toEqual(images.map(({ id }) => id).sort())
      expect(await imagesOfTask(library, taskId)).toEqual([])
      expect(await findImage(library, other.id)).toEqual(other)
    })

    test('the purge frees what was deleted long enough ago: row, file, thumbnails, blob', async () => {
      const bytes = await drawUnique()
      const image = await opened.add(bytes)
      await findServed(library, image.id, 320)
      await library.deriver.converted(image, 'webp', undefined)
      await remove([image.id])
      const deleted = library.clock.now()
      opened.pass(7 * DAY)

      await purge(deleted - 1)
      expect(await rowOf(image)).toBeDefined()
      expect(await fileOf(bytes)).toEqual(bytes)

      await purge(deleted)
      expect(await rowOf(image)).toBeUndefined()
      expect(await countOf(bytes)).toBeUndefined()
      expect(await fileOf(bytes)).toBeUndefined()
      const derived = await readdir(join(opened.folder, 'derived'), { recursive: true })
      expect(derived.filter((name) => name.includes(sha256(bytes)))).toEqual([])
    })

    test('bytes stay while another picture or an input of a task holds them', async () => {
      const bytes = await drawUnique()
      const [first, second] = [await opened.add(bytes), await opened.add(bytes)]
      await inTransaction(async (query) => holdBlob(library, query, await opened.spooled(bytes)))
      await remove([first.id])
      await purge()
      expect(await countOf(bytes)).toBe(2)
      await remove([second.id])
      await purge()
      expect(await fileOf(bytes)).toEqual(bytes)
      await inTransaction((query) => releaseBlob(query, sha256(bytes)))
      await purge()
      expect(await fileOf(bytes)).toBeUndefined()
    })

    test('what a purge that was cut has left is purged, or held again', async () => {
      const [lost, drawn] = [await drawUnique(), await drawUnique()]
      for (const bytes of [lost, drawn]) {
        const picture = await opened.spooled(bytes)
        await putBlob(library, picture)
        await noteBlob(library, library.database.query, picture)
        await library.originals.delete(pictureKey(sha256(bytes), 'image/png'))
      }
      await opened.add(drawn)
      await purge()
      expect([await countOf(lost), await countOf(drawn)]).toEqual([undefined, 1])
      expect(await fileOf(drawn)).toEqual(drawn)
    })

    test('bytes that are drawn again while their file is being removed are there in the end', async () => {
      const bytes = await drawUnique()
      const { id, ...facts } = await opened.add(bytes)
      await remove([id])
      const [removing, found] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      // The purge stops right before it removes the file, until the new picture has seen that there is one.
      const stopping: Library = {
        ...library,
        originals: {
          ...library.originals,
          delete: async (key) => {
            removing.resolve()
            await found.promise
            await library.originals.delete(key)
          },
        },
      }
      const purging = purge(library.clock.now(), stopping)
      await removing.promise
      const picture = await opened.spooled(bytes)
      await putBlob(library, picture)
      const adding = addImage(library, { ...facts, picture })
      found.resolve()
      await purging
      const image = await adding
      expect(await fileOf(bytes)).toEqual(bytes)
      expect(await countOf(bytes)).toBe(1)
      expect(await findImage(library, image.id)).toEqual(image)
    })

    test('a purge waits for a holder that came first and then leaves the file', async () => {
      const bytes = await drawUnique()
      const picture = await opened.spooled(bytes)
      await putBlob(library, picture)
      await noteBlob(library, library.database.query, picture)
      let purging: Promise<void> | undefined
      await inTransaction(async (query) => {
        await holdBlob(library, query, picture)
        purging = purge()
        await new Promise((resolve) => setTimeout(resolve, 50))
      })
      await purging
      expect(await countOf(bytes)).toBe(1)
      expect(await fileOf(bytes)).toEqual(bytes)
    })

    test('removing, purging and drawing the same bytes all at once loses nothing', async () => {
      const bytes = await drawUnique()
      for (let round = 0; round < 15; round += 1) {
        const { id } = await opened.add(bytes)
        await remove([id])
        const [, , first, second] = await Promise.all([
          purge(),
          purge(),
          opened.add(bytes),
          opened.add(bytes),
        ])
        expect(await countOf(bytes)).toBe(2)
        expect(await fileOf(bytes)).toEqual(bytes)
        await remove([first.id, second.id])
      }
      await purge()
      expect(await fileOf(bytes)).toBeUndefined()
      expect(await countOf(bytes)).toBeUndefined()
    })

    test('a purge that is told to stop does', async () => {
      const bytes = await drawUnique()
      const { id } = await opened.add(bytes)
      await remove([id])
      await purgeTrash(library, { before: library.clock.now(), signal: AbortSignal.abort() })
      expect(await fileOf(bytes)).toEqual(bytes)
      await purge()
      expect(await fileOf(bytes)).toBeUndefined()
    })
  })
}
