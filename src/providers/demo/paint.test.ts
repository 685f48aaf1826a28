import sharp from 'sharp'
import { expect, test } from 'vitest'
import { label } from './label.ts'
import { ANIMALS } from './motifs/animal.ts'
import { paintSketch, rasterize } from './paint.ts'
import { PALETTES } from './palettes.ts'
import { createRandom } from './random.ts'
import { createScene } from './scene.ts'
import { chooseSubject, MOTIFS } from './subject.ts'

const SIZES = [
  { width: 64, height: 64 },
  { width: 97, height: 1000 },
  { width: 2048, height: 512 },
] as const

const NAMES = [...Object.keys(MOTIFS), ...Object.keys(ANIMALS)]
const PROMPTS: Readonly<Record<string, string>> = { ribbons: 'abstract', mountains: 'mountains' }

test.each(NAMES)('%s fills pictures of any shape', async (name) => {
  const prompt = PROMPTS[name] ?? name
  expect(chooseSubject(prompt, 1).name).toBe(name)
  for (const size of SIZES) {
    const { data, info } = await paintSketch(prompt, 5, size)
      .final()
      .raw()
      .toBuffer({ resolveWithObject: true })
    expect(info).toMatchObject({ ...size, channels: 3 })
    expect(deviation(data)).toBeGreaterThan(12)
  }
})

test('a large picture is drawn in tiles that fit', async () => {
  const sizes = [
    { width: 2301, height: 2103 },
    { width: 767, height: 701 },
  ]
  const [tiled, whole] = await Promise.all(
    sizes.map(async (size) => {
      const { data, info } = await paintSketch('city', 3, size)
        .final()
        .raw()
        .toBuffer({ resolveWithObject: true })
      const { width, height, channels } = info
      return sharp(data, { raw: { width, height, channels } })
        .resize(100, 91, { fit: 'fill' })
        .raw()
        .toBuffer()
    }),
  )
  if (!tiled || !whole) throw new Error('a picture is missing')
  expect(meanDifference(tiled, whole)).toBeLessThan(4)
})

test.each([
  ['一只狐狸在雪地里', 'fox', 'winter'],
  ['赛博朋克城市夜景', 'city', 'neon'],
  ['大海上的日落', 'sea', 'dusk'],
  ['水墨山水画', 'mountains', 'brush'],
  ['熊猫吃竹子', 'panda', 'meadow'],
  ['A cat on a sofa', 'cat', undefined],
  ['concatenate the education category', undefined, undefined],
  ['roses in a spring garden', 'flowers', 'blossom'],
])('%s is understood', (prompt, motif, palette) => {
  const subject = chooseSubject(prompt, 1)
  if (motif) expect(subject.name).toBe(motif)
  else expect(Object.keys(ANIMALS)).not.toContain(subject.name)
  if (palette) expect(subject.palette.name).toBe(palette)
})

test.each(PALETTES.map((palette) => [palette.name, palette] as const))(
  'the label can be read on %s',
  async (_name, palette) => {
    for (const size of [...SIZES, { width: 1024, height: 1024 }]) {
      const scene = createScene(size, palette, createRandom('label'))
      const box = { x: 0, y: 0, width: scene.width, height: scene.height }
      const { data } = await rasterize(label(box, palette, scene.width / size.width), scene, size)
        .raw()
        .toBuffer({ resolveWithObject: true })
      const drawn = solid(data)
      expect(drawn.length).toBeGreaterThan(40)
      expect(Math.max(...drawn) - Math.min(...drawn)).toBeGreaterThan(size.width < 100 ? 90 : 150)
    }
  },
)

test('every picture ends with the label', async () => {
  const size = { width: 512, height: 512 }
  const { data } = await paintSketch('a quiet lake', 5, size)
    .final()
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const corner: number[] = []
  for (let y = 480; y < 500; y++) for (let x = 400; x < 495; x++) corner.push(data[y * 512 + x] ?? 0)
  const bright = corner.filter((value) => value > 190).length / corner.length
  expect(bright).toBeGreaterThan(0.05)
  expect(bright).toBeLessThan(0.6)
  expect(Math.min(...corner)).toBeLessThan(120)
})

function deviation(data: Buffer): number {
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length
  return Math.sqrt(data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length)
}

function meanDifference(a: Buffer, b: Buffer): number {
  return a.reduce((sum, value, at) => sum + Math.abs(value - (b[at] ?? 0)), 0) / a.length
}

/** Brightness of what is not transparent in an RGBA picture. */
function solid(data: Buffer): number[] {
  const found: number[] = []
  for (let at = 0; at < data.length; at += 4) if ((data[at + 3] ?? 0) > 150) found.push(data[at + 1] ?? 0)
  return found
}
