import { expect, test } from 'vitest'
import { scrub } from './scrub.ts'

const KEY = 'my-own key+with(signs)'

test.each([
  [`wrong key ${KEY} given`, 'wrong key *** given'],
  ['Incorrect API key provided: sk-proj-abcdefghijklmnop.', 'Incorrect API key provided: ***.'],
  ['Incorrect API key provided: sk-abcd********************wxyz.', 'Incorrect API key provided: ***.'],
  ['key AIzaSyA-1234567890abcdefg', 'key ***'],
  ['Authorization: Bearer abc.def', 'Authorization: ***'],
  ['two\n  lines', 'two lines'],
  ['<p>some <b>words</b></p>', 'some words'],
  ['<html><head><title> 502 </title></head></html>', 'a web page titled "502"'],
  [`a picture ${'QUJD'.repeat(100)} here`, 'a picture … here'],
])('%s', (said, shown) => {
  expect(scrub(said, KEY)).toBe(shown)
})

test('a long text is cut', () => {
  expect(scrub('word '.repeat(200), '')).toHaveLength(300)
})

test('a key at the place of the cut does not stay in part', () => {
  expect(scrub(`${'x '.repeat(145)}${KEY}`, KEY)).not.toContain('my-own')
})

test('an empty key hides nothing', () => {
  expect(scrub('plain words', '')).toBe('plain words')
})
