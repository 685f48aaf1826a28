import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { convertPicture } from './convert.ts'
import { flat, scene } from './test-pictures.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pictor-convert-'))
})

afterAll(() => rm(folder, { recursive: true }))

test.each(['png', 'jpeg', 'webp'] as const)('a picture is converted to %s', async (format) => {
  const picture = await source('convert', scene(300, 200).withMetadata({ orientation: 6 }).jpeg())
  const target = join(folder, `converted.${format}`)
  const made = await convertPicture(picture, target, format, 80)
  expect(made).toEqual({ bytes: (await readFile(target)).length, width: 200, height: 300 })
  const { format: written, width, height, orientation } = await sharp(target).metadata()
  expect({ written, width, height }).toEqual({ written: format, width: 200, height: 300 })
  expect(orientation ?? 1).toBe(1)
})

test('converting keeps the colour profile and puts transparency on white', async () => {
  const wide = await source('wide', scene(60, 60).withIccProfile('p3').png())
  const clear = await source(
    'clear',
    sharp({ create: { width: 20, height: 20, channels: 4, background: '#00000000' } }).png(),
  )
  const target = join(folder, 'kept.jpeg')
  await convertPicture(wide, target, 'jpeg')
  expect((await sharp(target).metadata()).icc).toEqual((await sharp(wide).metadata()).icc)
  await convertPicture(clear, target, 'jpeg')
  expect((await sharp(target).stats()).channels.map(({ mean }) => Math.round(mean))).toEqual([255, 255, 255])
})

test('a CMYK picture is converted to the same colours', async () => {
  const picture = await source(
    'cmyk',
    flat(50, 50, '#c04020').toColourspace('cmyk').withIccProfile('cmyk').jpeg({ quality: 95 }),
  )
  const target = join(folder, 'cmyk.png')
  await convertPicture(picture, target, 'png')
  const [converted, seen] = await Promise.all(
    [target, picture].map((path) => sharp(path).toColourspace('srgb').raw().toBuffer()),
  )
  expect(Math.abs((converted?.[0] ?? 0) - (seen?.[0] ?? 255))).toBeLessThan(4)
  expect((await sharp(target).metadata()).space).toBe('srgb')
})

test('converting what is no picture fails and leaves nothing', async () => {
  const picture = await place('broken', Buffer.from('this is no picture'))
  await expect(convertPicture(picture, join(folder, 'never.png'), 'png')).rejects.toThrow()
  expect((await readdir(folder)).filter((name) => name.startsWith('never'))).toEqual([])
})

async function source(name: string, picture: Sharp): Promise<string> {
  return place(name, await picture.toBuffer())
}

async function place(name: string, bytes: Buffer): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, bytes)
  return path
}
