import { expect, test } from 'vitest'
import { BytesError } from './bytes-error.ts'
import { checkPicture, type PictureLimits } from './check-picture.ts'
import { chunked, fakePng, openTestSpool } from './testing.ts'

async function check(bytes: Uint8Array | string, limits?: PictureLimits): Promise<string> {
  await using test = await openTestSpool()
  try {
    checkPicture(await test.spool.receive(chunked(bytes)), limits)
    return 'fine'
  } catch (error) {
    if (error instanceof BytesError) return error.message
    throw error
  }
}

test('a whole picture within the limits is fine', async () => {
  expect(await check(fakePng(1000))).toBe('fine')
  expect(await check(fakePng(1000), { types: ['image/png'], maxBytes: 1000, maxPixels: 640 * 480 })).toBe(
    'fine',
  )
})

test('each limit has words of its own', async () => {
  expect(await check('')).toMatch(/^not_a_picture: .*empty/)
  expect(await check('<svg/>')).toMatch(/^not_a_picture: .*SVG/)
  expect(await check('just text')).toMatch(/^not_a_picture: .*text/)
  expect(await check(fakePng(1000), { types: ['image/jpeg', 'image/webp'] })).toMatch(
    /^wrong_type: .*image\/png.*image\/jpeg, image\/webp/,
  )
  expect(await check(fakePng(1001), { maxBytes: 1000 })).toMatch(/^too_large: .*1001.*1000/)
  expect(await check(fakePng(1000, 1, 50_000, 50_000))).toMatch(/^too_many_pixels: .*50000×50000/)
  expect(await check(fakePng(1000, 1, 32_769, 1))).toMatch(/^too_many_pixels: .*32768/)
  expect(await check(fakePng(1000, 1, 0xffffffff, 0xffffffff))).toMatch(/^too_many_pixels/)
  expect(await check(fakePng(1000, 1, 100, 100), { maxPixels: 9999 })).toMatch(/^too_many_pixels/)
  expect(await check(fakePng(1000, 1, 0, 0))).toMatch(/^no_dimensions/)
  expect(await check(fakePng(1000).subarray(0, 900))).toMatch(/^truncated/)
  expect(await check(fakePng(1000).subarray(0, 12))).toMatch(/^truncated/)
})
