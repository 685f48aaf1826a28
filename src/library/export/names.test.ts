import fc from 'fast-check'
import { expect, test } from 'vitest'
import { newId } from '../../base/id.ts'
import { attachment, fileNameOf, uniqueNames } from './names.ts'

const ID = '01930d2c-7a3b-7c1d-8e2f-1234567890ab'
const DAY = Date.UTC(2026, 10, 24, 23, 59)

const nameOf = (prompt: string, mime = 'image/png') => fileNameOf({ id: ID, prompt, mime, createdAt: DAY })

test.each([
  ['A red fox, in the Snow!', '2026-11-24_a-red-fox-in-the-snow_567890ab.png'],
  ['雪中的红狐狸。', '2026-11-24_雪中的红狐狸_567890ab.png'],
  ['हिन्दी में', '2026-11-24_हिन्दी-में_567890ab.png'],
  ['../../etc/passwd', '2026-11-24_etc-passwd_567890ab.png'],
  ['C:\\con.txt', '2026-11-24_c-con-txt_567890ab.png'],
  ['a\0b\nc\u202Etxt.exe', '2026-11-24_a-b-c-txt-exe_567890ab.png'],
  ['🦊🦊', '2026-11-24_567890ab.png'],
  ['', '2026-11-24_567890ab.png'],
  ['\ud800 lone', '2026-11-24_lone_567890ab.png'],
])('%j is called %s', (prompt, name) => {
  expect(nameOf(prompt)).toBe(name)
})

test('the ending says the type', () => {
  expect(nameOf('x', 'image/jpeg')).toMatch(/\.jpg$/)
  expect(nameOf('x', 'image/webp')).toMatch(/\.webp$/)
})

test('whatever the prompt, the name is short and safe on every system', () => {
  const prompts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 500 }),
    fc.string({ unit: 'grapheme', maxLength: 500 }),
  )
  fc.assert(
    fc.property(prompts, (prompt) => {
      const name = nameOf(prompt)
      expect(name).toMatch(/^2026-11-24_[\p{L}\p{M}\p{N}_-]*567890ab\.png$/u)
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(120)
      expect(name.isWellFormed()).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('no two pictures get the same name, though their ids end alike and case is overlooked', () => {
  const next = uniqueNames()
  const image = (id: string, prompt: string) => ({ id, prompt, mime: 'image/png', createdAt: DAY })
  const alike = Array.from({ length: 20 }, () => `${newId().slice(0, -8)}aaaaaaaa`)
  const names = alike.map((id, index) => next(image(id, index % 2 === 0 ? 'fox' : 'FOX')))
  expect(names[0]).toBe('2026-11-24_fox_aaaaaaaa.png')
  expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(20)
})

test('a download is named for old clients and new ones', () => {
  expect(attachment('a b.png')).toBe(`attachment; filename="a_b.png"; filename*=UTF-8''a%20b.png`)
  expect(attachment('狐"(1)\'\r\n.png')).toBe(
    `attachment; filename="_1_.png"; filename*=UTF-8''%E7%8B%90%22%281%29%27%0D%0A.png`,
  )
})
