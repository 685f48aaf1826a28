import { afterAll, describe, expect, test } from 'vitest'
import { testDatabases } from '../../db/testing.ts'
import { createTranslations, type KeptTranslation, type TranslationRequest } from './translations.ts'

const HOUR = 60 * 60_000
const NEVER = new AbortController().signal
const EVERY_SCRIPT = '🦊 一只狐狸 "quoted" \\ % \n'

for (const engine of testDatabases()) {
  describe(engine.name, async () => {
    const { database, ...rest } = await engine.open()
    afterAll(() => rest[Symbol.asyncDispose]())
    let now = 1_000 * HOUR
    const clock = { now: () => now }
    const rows = () => database.query.selectFrom('translation').selectAll().orderBy('key').execute()

    const fresh = async (options: { mostKept?: number } = {}) => {
      const translations = createTranslations(database, clock, options)
      await translations.clear()
      return translations
    }
    const request = (translated: string, more: Partial<TranslationRequest> = {}): TranslationRequest => ({
      force: false,
      signal: NEVER,
      make: async () => ({ language: 'zh', translated }),
      ...more,
    })
    /** A call that ends when it is told to, and says when it was given up. */
    const slow = () => {
      const { promise, resolve, reject } = Promise.withResolvers<KeptTranslation>()
      const calls: AbortSignal[] = []
      const make = (signal: AbortSignal) => {
        calls.push(signal)
        signal.addEventListener('abort', () => reject(signal.reason))
        return promise
      }
      return { make, calls, answer: (translated: string) => resolve({ language: 'zh', translated }) }
    }

    test('what was brought once is remembered, also by the next process', async () => {
      const translations = await fresh()
      expect(await translations.find('a', request(EVERY_SCRIPT))).toEqual({
        language: 'zh',
        translated: EVERY_SCRIPT,
        cached: false,
      })
      const later = createTranslations(database, clock)
      const unwanted = request('wrong')
      expect(await later.find('a', unwanted)).toEqual({
        language: 'zh',
        translated: EVERY_SCRIPT,
        cached: true,
      })
      expect(await later.statistics()).toEqual({ size: 1, hits: 1, misses: 0, keys: ['a'] })
    })

    test('a forced one takes the place of the old', async () => {
      const translations = await fresh()
      await translations.find('a', request('old'))
      expect(await translations.find('a', request('new', { force: true }))).toMatchObject({
        translated: 'new',
        cached: false,
      })
      expect(await translations.find('a', request('wrong'))).toMatchObject({
        translated: 'new',
        cached: true,
      })
    })

    test('a failure is not remembered', async () => {
      const translations = await fresh()
      const make = () => Promise.reject(new Error('no'))
      await expect(translations.find('a', request('', { make }))).rejects.toThrow('no')
      expect(await translations.find('a', request('yes'))).toMatchObject({ translated: 'yes', cached: false })
    })

    test('many who want the same at once share one call', async () => {
      const translations = await fresh()
      const { make, calls, answer } = slow()
      const all = Array.from({ length: 20 }, () => translations.find('a', request('', { make })))
      answer('shared')
      const found = await Promise.all(all)
      expect(calls).toHaveLength(1)
      expect(new Set(found.map(({ translated }) => translated))).toEqual(new Set(['shared']))
      expect(found.filter(({ cached }) => !cached)).toHaveLength(1)
      expect(await translations.statistics()).toMatchObject({ size: 1, hits: 19, misses: 1 })
    })

    test('who leaves takes nothing from the others, and the last one ends the call', async () => {
      const translations = await fresh()
      const first = new AbortController()
      const second = new AbortController()
      const { make, calls } = slow()
      const one = translations.find('a', request('', { make, signal: first.signal }))
      const other = translations.find('a', request('', { make, signal: second.signal }))
      first.abort(new Error('first left'))
      await expect(one).rejects.toThrow('first left')
      expect(calls.map(({ aborted }) => aborted)).not.toContain(true)
      second.abort(new Error('second left'))
      await expect(other).rejects.toThrow('second left')
      expect(await translations.find('a', request('again'))).toMatchObject({
        translated: 'again',
        cached: false,
      })
      expect(calls.map(({ aborted }) => aborted)).not.toContain(false)
    })

    test('the newest-used stay when there are too many', async () => {
      const translations = await fresh({ mostKept: 2 })
      for (const key of ['a', 'b', 'c', 'd']) {
        await translations.find(key, request(key))
        now += HOUR
      }
      await translations.find('a', request('wrong'))
      await translations.trim()
      expect((await rows()).map(({ key }) => key)).toEqual(['a', 'd'])
      await translations.trim()
      expect((await translations.statistics()).keys).toEqual(['a', 'd'])
    })

    test('a hit within the hour writes nothing', async () => {
      const translations = await fresh()
      await translations.find('a', request('a'))
      const before = await rows()
      now += HOUR / 2
      await translations.find('a', request('wrong'))
      expect(await rows()).toEqual(before)
      now += HOUR / 2
      await translations.find('a', request('wrong'))
      expect(await rows()).toMatchObject([{ used_at: now, created_at: before[0]?.created_at }])
    })

    test('clearing says how many there were', async () => {
      const translations = await fresh()
      for (let index = 0; index < 12; index += 1) await translations.find(`key ${index}`, request('x'))
      expect((await translations.statistics()).keys).toHaveLength(10)
      expect(await translations.clear()).toBe(12)
      expect(await translations.clear()).toBe(0)
    })
  })
}
