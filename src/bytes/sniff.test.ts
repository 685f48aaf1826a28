import sharp from 'sharp'
import { expect, test } from 'vitest'
import { describeBytes, extensionOf, readDimensions, sniffType } from './sniff.ts'
import type { PictureType } from './spooled.ts'
import { chunked, openTestSpool } from './testing.ts'

function canvas(width = 123, height = 45) {
  return sharp({
    create: {
      width,
      height,
      channels: 3,
      noise: { type: 'gaussian', mean: 128, sigma: 30 },
      background: 'red',
    },
  })
}

const PICTURES: [PictureType, string, Promise<Buffer>][] = [
  ['image/png', 'png', canvas().png().toBuffer()],
  ['image/jpeg', 'jpg', canvas().jpeg().toBuffer()],
  [
    'image/jpeg',
    'jpg',
    canvas()
      .jpeg({ progressive: true, quality: 100 })
      .withExif({ IFD0: { Artist: 'x' } })
      .toBuffer(),
  ],
  ['image/webp', 'webp', canvas().webp().toBuffer()],
  ['image/webp', 'webp', canvas().webp({ lossless: true }).toBuffer()],
  [
    'image/webp',
    'webp',
    canvas()
      .webp()
      .withExif({ IFD0: { Artist: 'x' } })
      .toBuffer(),
  ],
  ['image/gif', 'gif', canvas().gif().toBuffer()],
  ['image/avif', 'avif', canvas().avif().toBuffer()],
]

for (const [index, [mime, extension, made]] of PICTURES.entries()) {
  test(`${mime} (${index}) is known by its bytes, with its size, whole or cut`, async () => {
    await using test = await openTestSpool()
    const bytes = await made
    expect(sniffType(bytes)).toBe(mime)
    expect(extensionOf(mime)).toBe(extension)
    expect(readDimensions(bytes, mime)).toEqual({ width: 123, height: 45 })
    const whole = { mime, width: 123, height: 45, complete: true }
    expect(await test.spool.receive(chunked(bytes))).toMatchObject(whole)
    expect(await test.spool.receive(chunked(bytes.subarray(0, -3)))).toMatchObject({ complete: false })
    expect(await test.spool.receive(chunked(bytes.subarray(0, bytes.length / 2)))).toMatchObject({
      complete: false,
    })
    for (let length = 0; length < 600; length++) {
      const head = bytes.subarray(0, length)
      const type = sniffType(head)
      const size = type && readDimensions(head, type)
      if (size !== undefined) expect(size).toEqual({ width: 123, height: 45 })
    }
  })
}

test('some padding behind the end of a picture is no harm', async () => {
  await using test = await openTestSpool()
  for (const [mime, , made] of PICTURES) {
    const bytes = Buffer.concat([await made, Buffer.alloc(1000)])
    if (mime !== 'image/avif')
      expect(await test.spool.receive(chunked(bytes))).toMatchObject({ mime, complete: true })
  }
})

test('the size of a JPEG is found behind megabytes of metadata, the end of a file behind the last buffer', async () => {
  await using test = await openTestSpool()
  const bytes = await canvas().jpeg().toBuffer()
  const segment = Buffer.concat([Buffer.from([0xff, 0xeb, 0xff, 0xff]), Buffer.alloc(0xffff - 2, 0xab)])
  const fat = Buffer.concat([bytes.subarray(0, 2), ...Array<Buffer>(40).fill(segment), bytes.subarray(2)])
  expect(readDimensions(fat.subarray(0, 100_000), 'image/jpeg')).toBeUndefined()
  const whole = { mime: 'image/jpeg', width: 123, height: 45, complete: true }
  expect(await test.spool.receive(chunked(fat))).toMatchObject(whole)
  for (const length of [262_144, 262_145, 524_288 + 100]) {
    const padding = Buffer.alloc(length - bytes.length)
    const [first = 0, rest = 0] = [0xfffd - 2, padding.length]
    const blocks: Buffer[] = []
    for (let left = rest; left >= 4; ) {
      const size = Math.min(first, left - 4)
      blocks.push(Buffer.from([0xff, 0xeb, (size + 2) >> 8, (size + 2) & 255]), Buffer.alloc(size))
      left -= size + 4
    }
    const padded = Buffer.concat([bytes.subarray(0, 2), ...blocks, bytes.subarray(2)])
    expect(await test.spool.receive(chunked(padded))).toMatchObject(whole)
    expect(await test.spool.receive(chunked(padded.subarray(0, -2)))).toMatchObject({ complete: false })
  }
})

test('broken headers have no size', async () => {
  const broken = (latin1: string) => Buffer.from(latin1.padEnd(64, '\0'), 'latin1')
  expect(readDimensions(broken('\x89PNG\r\n\x1a\n\0\0\0\rIHDR'), 'image/png')).toBeUndefined()
  expect(readDimensions(broken('\xff\xd8\xff\xe0\0\0'), 'image/jpeg')).toBeUndefined()
  expect(readDimensions(broken('\xff\xd8\xff\xda\0\0'), 'image/jpeg')).toBeUndefined()
  expect(readDimensions(broken('RIFF\0\0\0\0WEBPVP8 '), 'image/webp')).toBeUndefined()
  expect(readDimensions(broken('GIF89a'), 'image/gif')).toBeUndefined()
  expect(readDimensions(broken('\0\0\0\x18ftypavif'), 'image/avif')).toBeUndefined()
})

test('what is no picture is said in plain words', () => {
  const cases: [string, RegExp][] = [
    ['', /empty/],
    ['<svg xmlns="http://www.w3.org/2000/svg"/>', /SVG/],
    ['\ufeff<?xml version="1.0"?>\n<!-- x --><svg/>', /SVG/],
    ['<!DOCTYPE html><p>', /HTML/],
    ['hello 漢', /text/],
    ['%PDF-1.7', /PDF/],
    ['\0\x01\x02\x03', /no known/],
    ['\0\0\0\x18ftypheic\0\0\0\0mif1heic', /HEIC/],
  ]
  for (const [text, words] of cases) {
    expect(sniffType(Buffer.from(text))).toBeUndefined()
    expect(describeBytes(Buffer.from(text))).toMatch(words)
  }
})
