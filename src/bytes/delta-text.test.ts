import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createDeltaText } from './delta-text.ts'
import { Spooled, SpooledText } from './spooled.ts'
import { fakePng, openTestSpool, unspool } from './testing.ts'

const PREFIX = 'data:image/png;base64,'
const BASE64 = fakePng(3000).toString('base64')
const PICTURE = { prefix: PREFIX, base64: BASE64 }

/** Strings that follow one another as one. */
function joined(parts: unknown[]): unknown[] {
  const out: unknown[] = []
  for (const part of parts) {
    const last = out.at(-1)
    if (typeof part === 'string' && typeof last === 'string') out[out.length - 1] = last + part
    else out.push(part)
  }
  return out
}

test('a picture in markdown is found however the text is cut', async () => {
  await using test = await openTestSpool()
  const text = `A data set: ![cat](${PREFIX}${BASE64}) and 漢 ${PREFIX}${BASE64}\nd data:image/no, data`
  const expected = ['A data set: ![cat](', PICTURE, ') and 漢 ', PICTURE, '\nd data:image/no, data']
  const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 9 })
  await fc.assert(
    fc.asyncProperty(sizes, async (sizes) => {
      const delta = createDeltaText(test.spool)
      const out: (string | Spooled)[] = []
      for (let at = 0, index = 0; at < text.length; index++) {
        const size = sizes[index % sizes.length] ?? 1
        out.push(...(await delta.push(text.slice(at, at + size))))
        at += size
      }
      out.push(...(await delta.end()))
      expect(joined((await unspool(out)) as unknown[])).toEqual(expected)
    }),
    { numRuns: 40 },
  )
})

test('ordinary text is not held back', async () => {
  await using test = await openTestSpool()
  const delta = createDeltaText(test.spool)
  expect(await delta.push('Hello ')).toEqual(['Hello '])
  expect(await delta.push('bad')).toEqual(['ba'])
  expect(await delta.push(' data')).toEqual(['d '])
  expect(await delta.push(':')).toEqual([])
  expect(await delta.push(' the rest')).toEqual(['data: the rest'])
  expect(await delta.end()).toEqual([])
})

test('pictures that are found already pass through', async () => {
  await using test = await openTestSpool()
  const picture = new Spooled({ path: '/p', sha256: '', bytes: 1, mime: 'image/png', width: 1, height: 1 })
  const delta = createDeltaText(test.spool)
  expect(await delta.push('see d')).toEqual(['see '])
  expect(await delta.push(new SpooledText(['![](', picture, ')']))).toEqual(['d![](', picture, ')'])
  expect(await delta.push(picture)).toEqual([picture])
})
