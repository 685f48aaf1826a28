import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { newId } from '../base/id.ts'
import type { Database } from '../db/connect.ts'
import type { SearchIndex } from './search-index.ts'
import { anyText } from './testing.ts'
import { searchedWords } from './words.ts'

/** An empty index and the database that it lies in. */
export interface SearchStore extends AsyncDisposable {
  database: Database
  /** One process's index on it. */
  connect(): SearchIndex
}

/** What search does on every engine. */
export function describeSearch(name: string, open: () => Promise<SearchStore>): void {
  describe(`${name} search`, async () => {
    const store = await open()
    const { query } = store.database
    const index = store.connect()
    afterAll(() => store[Symbol.asyncDispose]())

    /** Each test has an owner of its own. */
    const library = (owner = newId()) => ({
      owner,
      add: async (...texts: string[]) => {
        const ids: string[] = []
        for (const text of texts) {
          const id = newId()
          await index.add(query, { id, owner, text })
          ids.push(id)
        }
        return ids
      },
      newest: (text: string, rest: { before?: string; limit?: number } = {}) =>
        index.newest(query, { owner, text, limit: 100, ...rest }),
      relevant: (text: string, rest: { offset?: number; limit?: number } = {}) =>
        index.relevant(query, { owner, text, offset: 0, limit: 100, ...rest }),
    })
    const reversed = (ids: readonly string[]) => [...ids].reverse()

    test.each([
      ['油画女孩', '一幅女孩的油画', '一幅男孩的油画'],
      ['写实绘画创作', '创作一张绘画，写实', '写实绘画'],
      ['油画vlog', 'VLOG封面，油画风格', '油画'],
      ['beautiful girl', 'A girl, very beautiful.', 'a beautiful day'],
    ])('%s finds what has both words, and not what has one', async (keyword, both, one) => {
      const { add, newest, relevant } = library()
      const [id] = await add(both, one)
      expect(await newest(keyword)).toEqual([id])
      expect(await relevant(keyword)).toEqual({ ids: [id], total: 1 })
    })

    test.each([
      ['猫', '一只小猫坐在窗台上'],
      ['長い髪', '長い髪の少女 in 東京'],
      ['고양이', '귀여운 고양이, 8k'],
      ['女孩 girl 少女', 'girl女孩と少女'],
      ['cafe', 'CAFÉ'],
      ['vlog', 'ｖｌｏｇ'],
      ['ＶＬＯＧ', 'my vlog'],
      ['the and www', 'The AND www'],
      ['x', 'x-ray'],
      ['"girl" -cat* (AND) NOT:^', 'girl cat and not'],
      [`'; drop table task; -- % _ \\`, 'drop the table task'],
      ['+girl ~cat @3 <x >', 'girl cat 3 x'],
      ['a & b | !c <-> d', 'a b c d'],
      ['🦊', 'a 🦊 in the snow'],
      ['\0girl\ud800', '\0girl\udfff'],
    ])('%j finds %j', async (keyword, text) => {
      const { add, newest, relevant } = library()
      const [id] = await add(text, 'something else')
      expect(await newest(keyword)).toEqual([id])
      expect((await relevant(keyword)).ids).toEqual([id])
    })

    test.each(['girl -cat', 'girl OR dog', 'gir*', 'gir', '"girl"dog', 'NOT dog', 'girls'])(
      '%s is not a command',
      async (keyword) => {
        const { add, newest } = library()
        await add('girl cat', 'girl not', 'or')
        const [last] = await newest(keyword)
        expect(last).toBe(keyword === 'girl -cat' ? (await newest('girl cat'))[0] : undefined)
      },
    )

    test('nothing is found without words, or without a text that has them', async () => {
      const { add, newest, relevant } = library()
      for (const keyword of ['', ' ', '"', '*', '。！', '\0', 'absent', '不在']) {
        expect(await newest(keyword)).toEqual([])
        expect(await relevant(keyword)).toEqual({ ids: [], total: 0 })
        await add('present', '存在')
      }
    })

    test('a long prompt is found by itself, by its first and by its last words', async () => {
      const { add, newest, relevant } = library()
      const english = Array.from({ length: 600 }, (_, index) => `word${index}`)
        .join(' ')
        .slice(0, 4000)
      const chinese = '一只可爱的小猫坐在窗台上，写实绘画创作。'.repeat(200).slice(0, 3998)
      const ids = await add(english, `${chinese}结尾`, '猫'.repeat(32_000), 'word1 '.repeat(5000))
      expect(await newest(english)).toEqual([ids[0]])
      expect((await relevant(`${chinese}结尾`)).ids).toEqual([ids[1]])
      expect(await newest('word0 word400')).toEqual([ids[0]])
      expect(await newest('窗台 结尾')).toEqual([ids[1]])
      expect(await newest('猫')).toEqual([ids[2], ids[1]])
      expect(await newest('word1')).toEqual([ids[3], ids[0]])
    })

    test('a word of any length is found', async () => {
      const { add, newest } = library()
      const ids = await add('x'.repeat(100), 'x'.repeat(3000), 'นี'.repeat(100), '가'.repeat(50))
      expect(await newest('x'.repeat(100))).toEqual([ids[0]])
      expect(await newest('x'.repeat(3000))).toEqual([ids[1]])
      expect(await newest('가'.repeat(50))).toEqual([ids[3]])
    })

    test('what is more about the words comes first, the newest among equals', async () => {
      const { add, relevant } = library()
      const [once, twice, again] = await add(
        `a fox among ${'many other things '.repeat(30)}`,
        'fox and fox',
        'fox and fox',
      )
      expect((await relevant('fox')).ids).toEqual([again, twice, once])
    })

    test('a word of its own comes before the same characters within another', async () => {
      const { add, relevant } = library()
      const [word, within] = await add('窗边有猫，白色', '窗边小猫，白色')
      expect((await relevant('猫')).ids).toEqual([word, within])
    })

    test('an owner finds only what is his; without an owner everything is found', async () => {
      const [one, other] = [library(), library()]
      const word = `shared${newId().replaceAll('-', '')}`
      const [first] = await one.add(word)
      const [second] = await other.add(`${word} ${one.owner}`)
      expect(await one.newest(word)).toEqual([first])
      expect((await other.relevant(word)).ids).toEqual([second])
      const all = { text: word, limit: 10, offset: 0 }
      expect(await index.newest(query, all)).toEqual([second, first])
      expect((await index.relevant(query, all)).ids.toSorted()).toEqual([first, second].toSorted())
    })

    test('owners with many and with few texts among many find exactly their own', async () => {
      const word = `crowd${newId().replaceAll('-', '')}`
      const owners = ['most', 'some', 'few'].map(() => newId())
      const texts = Array.from({ length: 600 }, (_, number) => {
        const owner = owners[number % 50 === 0 ? 2 : number % 10 === 5 ? 1 : 0] ?? ''
        return { id: newId(), owner, text: number < 300 ? `${word} early` : word }
      })
      await query.transaction().execute(async (query) => {
        for (const text of texts) await index.add(query, text)
      })
      for (const owner of owners) {
        for (const text of [word, `early ${word}`]) {
          const own = texts.filter((one) => one.owner === owner && (text === word || one.text !== word))
          const ids = reversed(own.map(({ id }) => id))
          const seen: string[] = []
          for (let page = 0; page < 20; page += 1) {
            const before = seen.at(-1)
            const some = await index.newest(query, { owner, text, limit: 40, ...(before ? { before } : {}) })
            seen.push(...some)
          }
          expect(seen).toEqual(ids)
          const ranked = await index.relevant(query, { owner, text, offset: 0, limit: 1000 })
          expect(ranked.ids.toSorted()).toEqual(ids.toSorted())
          expect(ranked.total).toBe(ids.length)
        }
      }
    })

    test('a text that is added again replaces the one before and keeps its place', async () => {
      const { owner, add, newest, relevant } = library()
      const ids = await add('old thing', 'new thing')
      await index.add(query, { id: ids[0] ?? '', owner, text: 'other thing' })
      await index.add(query, { id: ids[0] ?? '', owner, text: 'other thing' })
      expect(await newest('old')).toEqual([])
      expect(await newest('other')).toEqual([ids[0]])
      expect(await newest('thing')).toEqual(reversed(ids))
      expect((await relevant('thing')).total).toBe(2)
    })

    test('what is removed is not found, until it is added again', async () => {
      const { owner, add, newest, relevant } = library()
      const ids = await add('one thing', 'two things and a thing', 'three thing')
      const [one = '', two = '', three = ''] = ids
      await index.remove(query, [one, three, newId()])
      await index.remove(query, [])
      expect(await newest('thing')).toEqual([two])
      expect(await relevant('thing')).toEqual({ ids: [two], total: 1 })
      await index.add(query, { id: one, owner, text: 'a thing again' })
      expect(await newest('thing')).toEqual([one, two])
    })

    test('many are removed at once', async () => {
      const { add, newest } = library()
      const [id] = await add('kept and gone')
      await index.remove(query, Array.from({ length: 2500 }, newId))
      expect(await newest('kept')).toEqual([id])
    })

    test('a transaction that fails leaves nothing, one that ends well leaves all', async () => {
      const { owner, add, newest } = library()
      const [kept = ''] = await add('kept thing')
      const failed = query.transaction().execute(async (query) => {
        await index.add(query, { id: newId(), owner, text: 'undone thing' })
        await index.remove(query, [kept])
        throw new Error('no')
      })
      await expect(failed).rejects.toThrow('no')
      expect(await newest('thing')).toEqual([kept])
      const id = newId()
      await query.transaction().execute(async (query) => {
        await index.remove(query, [kept])
        await index.add(query, { id, owner, text: 'done thing' })
      })
      expect(await newest('thing')).toEqual([id])
    })

    test('pages of the newest neither repeat nor skip while texts come and go', async () => {
      const { add, newest } = library()
      const ids = await add(...Array.from({ length: 25 }, (_, number) => `thing ${number}`))
      const seen: string[] = []
      for (let page = 0; page < 10; page += 1) {
        const before = seen.at(-1)
        const found = await newest('thing', { limit: 4, ...(before ? { before } : {}) })
        seen.push(...found)
        await add(`thing that came later ${page}`)
        if (page === 2) await index.remove(query, found.slice(-1))
      }
      expect(seen).toEqual(reversed(ids))
      expect(await newest('thing', { before: '00000000-0000-7000-8000-000000000000' })).toEqual([])
    })

    test('pages by relevance neither repeat nor skip while texts come and go', async () => {
      const { add, relevant } = library()
      const ids = await add(...Array.from({ length: 20 }, (_, number) => `thing ${'thing '.repeat(number)}`))
      const first = await relevant('thing', { limit: 5 })
      const gone = ids.find((id) => !first.ids.includes(id)) ?? ''
      await index.remove(query, [gone])
      const pages = [first]
      for (let offset = 5; offset < 30; offset += 5) {
        await add('thing thing thing', 'thing')
        pages.push(await relevant('Thing!', { offset, limit: 5 }))
      }
      const seen = pages.flatMap(({ ids }) => ids)
      expect(seen.toSorted()).toEqual(ids.filter((id) => id !== gone).toSorted())
      expect(pages.map(({ total }) => total)).toEqual([20, 20, 20, 20, 20, 20])
      expect((await relevant('thing')).total).toBe(29)
    })

    test('a process that has not seen the first page finds the second by itself', async () => {
      const { owner, add, relevant } = library()
      await add('thing', 'thing thing', 'a thing', 'the thing')
      const { ids } = await relevant('thing')
      const other = await store.connect().relevant(query, { owner, text: 'thing', offset: 2, limit: 2 })
      expect(other).toEqual({ ids: ids.slice(2), total: 4 })
    })

    test('any text is found as a whole and by each of its words, and any query is safe', async () => {
      const { owner, newest, relevant } = library()
      await fc.assert(
        fc.asyncProperty(anyText(), fc.nat(), async (text, chosen) => {
          const id = newId()
          await index.add(query, { id, owner, text })
          const words = await searchedWords(text)
          const expected = words.length > 0 ? [id] : []
          expect(await newest(text)).toEqual(expected)
          expect((await relevant(text)).ids).toEqual(expected)
          expect(await newest(words[chosen % words.length] ?? '')).toEqual(expected)
          await index.remove(query, [id])
        }),
        { numRuns: 100 },
      )
    })
  })
}
