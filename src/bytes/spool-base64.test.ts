import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { isDataUrl, spoolBase64 } from './spool-base64.ts'
import { fakePng, openTestSpool } from './testing.ts'

test('small and large base64 is decoded, however it is written', async () => {
  await using test = await openTestSpool()
  for (const length of [100, 101, 102, 500_000]) {
    const bytes = fakePng(length)
    const base64 = bytes.toString('base64')
    const ways = [base64, bytes.toString('base64url'), base64.replaceAll(/.{7}/g, '$&\r\n '), ` ${base64}\n`]
    for (const way of ways) {
      for (const prefix of ['', 'data:image/png;base64,', 'DATA:IMAGE/PNG;charset=utf-8;BASE64,']) {
        const picture = await spoolBase64(prefix + way, test.spool)
        expect(picture).toMatchObject({ prefix, bytes: length, mime: 'image/png', width: 640 })
        expect((await readFile(picture.path)).equals(bytes)).toBe(true)
      }
    }
  }
})

test('what is no base64 is an error that says where, and leaves nothing', async () => {
  await using test = await openTestSpool()
  const base64 = fakePng(200_000).toString('base64')
  const cases: [string, number][] = [
    ['', 0],
    ['data:image/png;base64,', 22],
    ['A', 1],
    ['https://example.com/a.png', 5],
    ['AAAA"AAA', 4],
    ['AAA=AAAA', 4],
    [`${base64.slice(0, 100_000)}!${base64}`, 100_000],
    [`data:image/png;base64,${base64.slice(0, 100_000)}漢${base64}`, 100_022],
  ]
  for (const [text, offset] of cases) {
    await expect(spoolBase64(text, test.spool), text.slice(0, 40)).rejects.toMatchObject({
      kind: 'invalid_base64',
      offset,
    })
  }
  expect(await test.files()).toEqual([])
})

test('a data URL is told from other texts', () => {
  expect(isDataUrl('data:image/png;base64,AAAA')).toBe(true)
  expect(isDataUrl('Data:;BASE64,')).toBe(true)
  expect(isDataUrl('data:text/plain,hello')).toBe(false)
  expect(isDataUrl('see data:image/png;base64,AAAA')).toBe(false)
  expect(isDataUrl('iVBORw0KGgo')).toBe(false)
})
