import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDerivePool, type DerivePool } from './derive-pool.ts'
import { hugePng, scene } from './test-pictures.ts'

let folder: string
let pool: DerivePool

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pictor-enlarge-'))
  pool = createDerivePool()
})

afterAll(async () => {
  await pool.close()
  await rm(folder, { recursive: true })
})

const source = async (name: string, bytes: Buffer) => {
  const path = join(folder, name)
  await writeFile(path, bytes)
  return path
}

test.each(['png', 'jpeg', 'webp'] as const)('a picture is made larger as %s', async (format) => {
  const target = join(folder, `larger.${format}`)
  const picture = await source('original', await scene(120, 80).png().toBuffer())
  await pool.enlarge({ source: picture, target, side: 240, format })
  const { format: written, width, height } = await sharp(target).metadata()
  expect({ written, width, height }).toEqual({ written: format, width: 240, height: 160 })
  // The same picture: small again, it hardly differs.
  expect(await difference(sharp(target), sharp(picture))).toBeLessThan(3)
})

test('a picture that lies on its side is put upright and keeps its shape', async () => {
  const target = join(folder, 'upright.png')
  const lying = await scene(120, 80).withMetadata({ orientation: 6 }).jpeg().toBuffer()
  await pool.enlarge({ source: await source('lying', lying), target, side: 240, format: 'png' })
  expect(await sharp(target).metadata()).toMatchObject({ width: 160, height: 240 })
})

test('transparency and colour profile stay', async () => {
  const target = join(folder, 'clear.png')
  const clear = await scene(60, 60).ensureAlpha(0.5).withIccProfile('p3').png().toBuffer()
  await pool.enlarge({ source: await source('clear', clear), target, side: 120, format: 'png' })
  const { hasAlpha, icc } = await sharp(target).metadata()
  expect({ hasAlpha, icc }).toEqual({ hasAlpha: true, icc: (await sharp(clear).metadata()).icc })
})

test.each([
  ['no picture', Buffer.from('hello')],
  ['a bomb', hugePng(20_000, 20_000)],
])('%s is refused, and the next one is worked on', async (name, bytes) => {
  const request = { target: join(folder, 'never.png'), side: 100, format: 'png' } as const
  await expect(pool.enlarge({ ...request, source: await source(name, bytes) })).rejects.toMatchObject({
    code: 'invalid_image',
  })
  const fine = await source('fine', await scene(10, 10).png().toBuffer())
  await pool.enlarge({ ...request, source: fine })
  expect((await stat(request.target)).size).toBeGreaterThan(0)
})

test('an abort ends the work', async () => {
  const large = await source('large', await scene(4000, 4000).png().toBuffer())
  const controller = new AbortController()
  const work = pool.enlarge(
    { source: large, target: join(folder, 'given-up.png'), side: 4096, format: 'png' },
    controller.signal,
  )
  controller.abort(new Error('nobody waits'))
  await expect(work).rejects.toThrow('nobody waits')
})

/** Mean difference of the channels, 0 to 255. */
async function difference(one: Sharp, other: Sharp): Promise<number> {
  const [a = Buffer.alloc(0), b] = await Promise.all(
    [one, other].map((picture) => picture.resize(60, 40, { fit: 'fill' }).removeAlpha().raw().toBuffer()),
  )
  return a.reduce((sum, value, index) => sum + Math.abs(value - (b?.[index] ?? 0)), 0) / a.length
}
