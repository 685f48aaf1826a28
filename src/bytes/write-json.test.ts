import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readJson } from './read-json.ts'
import { type Spooled, SpooledText } from './spooled.ts'
import { chunked, fakePng, noise, openTestSpool, unspool } from './testing.ts'
import { type JsonBody, withPrefix, writeJson } from './write-json.ts'

async function text(body: JsonBody): Promise<string> {
  const whole = Buffer.concat(await Array.fromAsync(body.chunks()))
  expect(whole.length).toBe(body.length)
  return whole.toString('utf8')
}

test('a value without pictures is as JSON.stringify has it, in one chunk', async () => {
  for (const value of [null, 'é漢', [], { a: [1, { b: '"\\' }], c: undefined, d: new Date(0) }, undefined]) {
    const body = writeJson(value)
    expect(await text(body)).toBe(JSON.stringify(value) ?? 'null')
    expect(await Array.fromAsync(body.chunks())).toHaveLength(1)
  }
})

test('pictures of every length come out as base64, more than once', async () => {
  await using test = await openTestSpool()
  for (const length of [0, 1, 2, 3, 40, 196_607, 196_608, 196_609, 500_000]) {
    const bytes = noise(length)
    const picture = await test.spool.receive(chunked(bytes))
    const prefixed = withPrefix(picture, 'data:image/"x";base64,')
    const body = writeJson({
      a: picture,
      b: ['é', prefixed],
      c: new SpooledText(['![](', prefixed, ') "\n"']),
    })
    const base64 = bytes.toString('base64')
    const url = `data:image/"x";base64,${base64}`
    const expected = JSON.stringify({ a: base64, b: ['é', url], c: `![](${url}) "\n"` })
    expect(await text(body)).toBe(expected)
    expect(await text(body)).toBe(expected)
    if (body.length <= 65_536) expect(await Array.fromAsync(body.chunks())).toHaveLength(1)
  }
})

test('what is written reads back the same', async () => {
  await using test = await openTestSpool()
  const picture = fc
    .tuple(
      fc.integer({ min: 12_400, max: 300_000 }),
      fc.nat(99),
      fc.constantFrom('', 'data:image/png;base64,'),
    )
    .map(([length, seed, prefix]) => ({ bytes: fakePng(length, seed), prefix }))
  // JSON has no negative zero, so a value is what JSON makes of it.
  const json = fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value)))
  await fc.assert(
    fc.asyncProperty(json, fc.array(picture, { maxLength: 3 }), async (rest, pictures) => {
      const spooled: Spooled[] = []
      for (const { bytes, prefix } of pictures) {
        spooled.push(withPrefix(await test.spool.receive(chunked(bytes)), prefix))
      }
      const text = new SpooledText([
        'see ',
        ...spooled.filter((item) => item.prefix !== '').flatMap((item) => [item, ')']),
      ])
      const value = { rest, spooled, text: text.parts.length > 1 ? text : 'see ' }
      const back = await readJson(writeJson(value).chunks(), { spool: test.spool })
      expect(await unspool(back)).toEqual(await unspool(value))
    }),
    { numRuns: 25 },
  )
})

test('a file that is gone is an error of the body', async () => {
  await using test = await openTestSpool()
  const picture = await test.spool.receive(chunked(noise(100_000)))
  const body = writeJson([picture])
  await test.spool[Symbol.asyncDispose]()
  await expect(text(body)).rejects.toMatchObject({ code: 'ENOENT' })
})
