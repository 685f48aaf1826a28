import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { idsFrom, newId } from '../base/id.ts'
import { addToCounters, type CounterName, readCounter } from '../db/counter.ts'
import { testDatabases } from '../db/testing.ts'
import { countImages, listImages } from './list.ts'
import { purgeTrash } from './purge.ts'
import { drawUnique, openTestLibrary, type TestLibrary } from './testing.ts'
import { changesOf, removeAnyImages } from './trash.ts'

test('ids are cut at a time', () => {
  const before = Date.now()
  const id = newId()
  expect(idsFrom(before) <= id).toBe(true)
  expect(idsFrom(Date.now() + 10_000) > id).toBe(true)
  for (const time of [-1, 0, Number.MAX_SAFE_INTEGER]) expect(idsFrom(time)).toHaveLength(36)
})

for (const engine of testDatabases()) {
  describe(engine.name, () => {
    let opened: TestLibrary
    beforeAll(async () => {
      opened = await openTestLibrary(engine)
    })
    afterAll(() => opened?.[Symbol.asyncDispose]())

    const remove = (ids: string[]) =>
      opened.library.database.query.transaction().execute(async (query) => {
        const removed = await removeAnyImages(opened.library, query, ids)
        await addToCounters(opened.library.database, query, changesOf(removed))
        return removed.map(({ id }) => id)
      })
    const figures = async (owner?: string) => {
      const names: CounterName[] = ['images', 'image_bytes', 'blob_bytes']
      const { query } = opened.library.database
      return Promise.all(names.map((name) => readCounter(query, { owner, name })))
    }

    test('what is kept is counted, and the same bytes once', async () => {
      const [one, two] = [await drawUnique(), await drawUnique()]
      const [first, , third] = [
        await opened.add(one, { owner: 'ada' }),
        await opened.add(one, { owner: 'ben' }),
        await opened.add(two, { owner: 'ada' }),
      ]
      const [a, b] = [one.length, two.length]
      expect(await figures()).toEqual([3, a + a + b, a + b])
      expect((await figures('ada')).slice(0, 2)).toEqual([2, a + b])

      expect(await remove([first.id, third.id, newId(), 'x'])).toEqual([first.id, third.id])
      expect(await remove([first.id])).toEqual([])
      expect(await figures()).toEqual([1, a, a + b])
      opened.pass(1)
      const purge = { before: opened.library.clock.now(), signal: new AbortController().signal }
      await purgeTrash(opened.library, purge)
      expect(await figures()).toEqual([1, a, a])
      await opened.add(two, { owner: 'ben' })
      expect(await figures()).toEqual([2, a + b, a + b])
    })

    test('many at once, of the same and of different bytes, count right', async () => {
      const [count = 0, bytes = 0, kept = 0] = await figures()
      const pictures = await Promise.all([1, 2, 3].map(drawUnique))
      const owners = ['ada', 'ben', 'cyd']
      const jobs = owners.flatMap((owner) => pictures.map((picture) => ({ owner, picture })))
      const images = await Promise.all(jobs.map(({ owner, picture }) => opened.add(picture, { owner })))
      const size = pictures.reduce((sum, { length }) => sum + length, 0)
      expect(await figures()).toEqual([count + 9, bytes + 3 * size, kept + size])
      const ids = images.map(({ id }) => id)
      await Promise.all([remove(ids), remove(ids.toReversed()), remove(ids.slice(3))])
      expect(await figures()).toEqual([count, bytes, kept + size])
    })

    test('pages and filters agree with the counts', async () => {
      const images = []
      for (let index = 0; index < 7; index += 1) {
        const facts = { owner: index < 3 ? 'filter-a' : 'filter-b', model: index % 2 ? 'odd' : 'even' }
        images.unshift(await opened.add(await drawUnique(), facts))
      }
      const ids = images.map(({ id }) => id)
      const list = async (range: Parameters<typeof listImages>[1]) =>
        (await listImages(opened.library, range)).map(({ id }) => id)
      expect(await list({ limit: 7 })).toEqual(ids)
      expect(await list({ limit: 2, offset: 2 })).toEqual(ids.slice(2, 4))
      expect(await list({ limit: 2, offset: 100, before: ids[3] ?? '' })).toEqual(ids.slice(4, 6))
      const filters = [
        { filter: { owner: 'filter-a' }, found: ids.slice(4) },
        { filter: { model: 'odd' }, found: [1, 3, 5].map((index) => ids[index]) },
        { filter: { owner: 'filter-b', model: 'even' }, found: [ids[0], ids[2]] },
        { filter: { owner: 'nobody' }, found: [] },
        { filter: { owner: 'filter-b', from: 0, until: Date.now() + 60_000 }, found: ids.slice(0, 4) },
        { filter: { until: 1 }, found: [] },
        { filter: { from: Date.now() + 60_000 }, found: [] },
      ]
      for (const { filter, found } of filters) {
        expect(await list({ filter, limit: 100 })).toEqual(found)
        expect(await countImages(opened.library, filter)).toBe(found.length)
      }
      await remove(ids.slice(0, 2))
      expect(await list({ limit: 1 })).toEqual([ids[2]])
      expect(await countImages(opened.library, { owner: 'filter-b' })).toBe(2)
    })
  })
}
