import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readJson } from './read-json.ts'
import { chunked, fakePng, openTestSpool, unspool } from './testing.ts'

/** A value, how it stands in the body, and how it is expected to come out. */
interface Piece {
  json: string
  expected: unknown
}

const PREFIXES = [
  'data:image/png;base64,',
  'DATA:IMAGE/PNG;BASE64,',
  'data:image/png;charset=utf-8;base64,',
  'data:application/octet-stream;base64,',
]

const bytes = fc
  .tuple(fc.integer({ min: 12_300, max: 60_000 }), fc.nat(1000))
  .map(([length, seed]) => fakePng(length, seed))

/** How base64 is written. */
const writing = fc.record({
  urlSafe: fc.boolean(),
  padded: fc.boolean(),
  slashes: fc.boolean(),
  /** Every so many characters one is written as an escape; 0 for never. */
  unicodeEvery: fc.constantFrom(0, 0, 1, 97, 5000),
  space: fc.constantFrom('', '', '\\n', '\\r\\n', '\n', ' ', '\t\\t'),
  spaceEvery: fc.integer({ min: 40, max: 9000 }),
})

function write(
  picture: Buffer,
  how: typeof writing extends fc.Arbitrary<infer T> ? T : never,
  inside: boolean,
): string {
  const base64 = picture.toString(how.urlSafe ? 'base64url' : 'base64').replaceAll('=', '')
  const padding = how.padded ? '='.repeat((4 - (base64.length % 4)) % 4) : ''
  let out = ''
  for (const [index, character] of [...`${base64}${padding}`].entries()) {
    if (how.unicodeEvery > 0 && index % how.unicodeEvery === 0) {
      const code = character.charCodeAt(0).toString(16).padStart(4, '0')
      out += `\\u${index % 2 === 0 ? code : code.toUpperCase()}`
    } else out += how.slashes && character === '/' ? '\\/' : character
    if (!inside && index % how.spaceEvery === how.spaceEvery - 1 && index < base64.length - 1)
      out += how.space
  }
  return out
}

const wholePicture: fc.Arbitrary<Piece> = fc
  .record({ bytes, writing, prefix: fc.constantFrom('', '', ...PREFIXES), escapePrefix: fc.boolean() })
  .map(({ bytes, writing, prefix, escapePrefix }) => ({
    json: `"${escapePrefix ? prefix.replaceAll('/', '\\/') : prefix}${write(bytes, writing, false)}"`,
    expected: { prefix, base64: bytes.toString('base64') },
  }))

/** Text that is not empty and does not end the base64 before it by accident, nor go on with it. */
const words = fc
  .tuple(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom('', '"', '\\', '\n', 'é漢🙂', '64,', 'data:'),
  )
  .map(([text, more]) => `(${text}${more})`)

const pictureInText: fc.Arbitrary<Piece> = fc
  .record({
    first: words,
    pictures: fc.array(fc.record({ bytes, writing, prefix: fc.constantFrom(...PREFIXES), after: words }), {
      minLength: 1,
      maxLength: 2,
    }),
  })
  .map(({ first, pictures }) => ({
    json: `"${JSON.stringify(first).slice(1, -1)}${pictures
      .map(
        (picture) =>
          picture.prefix +
          write(picture.bytes, picture.writing, true) +
          JSON.stringify(picture.after).slice(1, -1),
      )
      .join('')}"`,
    expected: [
      first,
      ...pictures.flatMap(({ prefix, bytes, after }) => [
        { prefix, base64: bytes.toString('base64') },
        after,
      ]),
    ],
  }))

const plain: fc.Arbitrary<Piece> = fc
  .oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.string({ unit: 'binary' }),
    fc.nat(40_000).map((length) => 'ab\\"/漢'.repeat(length / 6)),
  )
  .map((value) => ({ json: JSON.stringify(value), expected: JSON.parse(JSON.stringify(value)) }))

const { piece } = fc.letrec<{ piece: Piece }>((tie) => ({
  piece: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    plain,
    wholePicture,
    pictureInText,
    fc.array(tie('piece'), { maxLength: 4 }).map((items) => ({
      json: `[ ${items.map((item) => item.json).join(' ,\n')}]`,
      expected: items.map((item) => item.expected),
    })),
    fc
      .uniqueArray(fc.tuple(fc.string(), tie('piece')), { maxLength: 4, selector: ([name]) => name })
      .map((fields) => ({
        json: `{${fields.map(([name, item]) => `${JSON.stringify(name)} : ${item.json}`).join(',')} }`,
        expected: Object.fromEntries(fields.map(([name, item]) => [name, item.expected])),
      })),
  ),
}))

const sizes = fc.oneof(
  fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 20 }),
  fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 }),
  fc.constant([65_536]),
)

test('a body reads as with JSON.parse and Buffer.from, however it is written and cut', async () => {
  await using test = await openTestSpool()
  await fc.assert(
    fc.asyncProperty(piece, sizes, async ({ json, expected }, sizes) => {
      await using spool = test.directory.scope()
      const value = await readJson(chunked(json, sizes), { spool })
      expect(await unspool(value)).toEqual(expected)
    }),
    { numRuns: 150 },
  )
  expect(await test.files()).toEqual([])
})
