import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ASPECT_RATIOS, type ImageJob } from '../../../contract/job.ts'
import { createOutgoing } from '../../base/http.ts'
import { openSpoolDirectory, type Spool, type SpoolDirectory } from '../../bytes/spool.ts'
import type { Spooled } from '../../bytes/spooled.ts'
import { providerConformance } from '../conformance.ts'
import type { ImageEvent, Inputs } from '../provider.ts'
import { createDemoProvider } from './demo-provider.ts'
import { type DemoRequest, isDemoRequest } from './request.ts'

providerConformance('demo', async () => ({ provider: createDemoProvider(), model: 'demo' }))

const provider = createDemoProvider()
const http = createOutgoing({ userAgent: 'test' })
const [account] = provider.accounts
let folder: string
let directory: SpoolDirectory
let spool: Spool

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pictor-demo-'))
  directory = await openSpoolDirectory(folder)
  spool = directory.scope()
})

afterAll(async () => {
  await spool[Symbol.asyncDispose]()
  await directory.close()
  await http.close()
  await rm(folder, { recursive: true })
})

test('the same prompt, seed and size give the same bytes, and any change gives others', async () => {
  const base = { prompt: 'a fox in the snow', seed: 7, size: '256x256' }
  const [first, again, otherSeed, otherPrompt] = await Promise.all([
    paint(base),
    paint(base),
    paint({ ...base, seed: 8 }),
    paint({ ...base, prompt: 'city at night' }),
  ])
  expect(again.sha256).toBe(first.sha256)
  expect(otherSeed.sha256).not.toBe(first.sha256)
  expect(await distance(first, otherPrompt)).toBeGreaterThan(30)
})

test('a picture of many can be painted again alone with the seed that its details state', async () => {
  const events = await run({ prompt: 'sea', n: 3, size: '128x128' })
  const images = events.filter((event) => event.type === 'image')
  expect(images.map(({ index }) => index)).toEqual([0, 1, 2])
  expect(new Set(images.map(({ picture }) => picture.sha256)).size).toBe(3)
  const last = images[2]
  expect(last?.details).toMatchObject({ size: '128x128', output_format: 'png', quality: 'demo' })
  const again = await paint({ prompt: 'sea', size: '128x128', seed: Number(last?.details?.seed) })
  expect(again.sha256).toBe(last?.picture.sha256)
})

test('more pictures than a call has become further calls whose seeds go on', () => {
  const calls = planned({ n: 23, seed: 100 })
  expect(calls.map(({ images }) => images)).toEqual([10, 10, 3])
  expect(calls.map(({ seed }) => seed)).toEqual([100, 110, 120])
})

test.each([
  ['png', undefined],
  ['jpeg', 40],
  ['webp', 40],
] as const)('it writes %s in the size asked for', async (outputFormat, outputCompression) => {
  const picture = await paint({
    prompt: 'mountains',
    size: '300x200',
    outputFormat,
    seed: 1,
    outputCompression,
  })
  expect(picture).toMatchObject({ mime: `image/${outputFormat}`, width: 300, height: 200 })
  const { format, width, height } = await sharp(picture.path).metadata()
  expect({ format, width, height }).toEqual({ format: outputFormat, width: 300, height: 200 })
})

test('less quality gives a smaller file', async () => {
  const asked = { prompt: 'mountains', size: '300x200', outputFormat: 'webp', seed: 1 } as const
  const [low, high] = await Promise.all([
    paint({ ...asked, outputCompression: 0 }),
    paint({ ...asked, outputCompression: 100 }),
  ])
  expect(low.bytes).toBeLessThan(high.bytes / 2)
})

test('sizes: auto is square, a ratio is about a megapixel, a side out of range is fitted and said', () => {
  expect(sizeOf({ size: 'auto' })).toEqual({ width: 1024, height: 1024 })
  expect(sizeOf({})).toEqual({ width: 1024, height: 1024 })
  expect(sizeOf({ size: '333x777', aspectRatio: '1:1' })).toEqual({ width: 333, height: 777 })
  for (const aspectRatio of ASPECT_RATIOS) {
    const { width, height } = sizeOf({ aspectRatio })
    const [across = 0, down = 1] = aspectRatio.split(':').map(Number)
    expect([width % 16, height % 16]).toEqual([0, 0])
    expect(Math.abs(width / height / (across / down) - 1)).toBeLessThan(0.025)
    expect(Math.abs((width * height) / 1024 ** 2 - 1)).toBeLessThan(0.03)
  }
  const { calls, warnings } = provider.plan(request({ size: '9999x10' }))
  expect(calls[0]?.request).toMatchObject({ size: { width: 4096, height: 64 } })
  expect(warnings).toMatchObject([{ param: 'size' }])
})

test('what it does not take is named, in the words of the caller', () => {
  const asked = { quality: 'high', style: 'vivid', background: 'transparent', extra: { steps: 20 } }
  const { warnings } = provider.plan(request(asked))
  expect(warnings.map(({ param }) => param)).toEqual(['quality', 'style', 'background', 'steps'])
  expect(provider.plan(request({ quality: 'auto', background: 'auto' })).warnings).toEqual([])
})

test('previews come before their picture, look like it, and become sharper', async () => {
  const events = await run({ prompt: 'a forest', seed: 3, n: 2, size: '640x320', partialImages: 2 })
  const order = events.flatMap((event) => ('index' in event ? [`${event.type}${event.index}`] : []))
  expect(order).toEqual(['partial0', 'partial0', 'image0', 'partial1', 'partial1', 'image1'])
  const [first, second, final] = events.flatMap((event) => ('picture' in event ? [event.picture] : []))
  if (!first || !second || !final) throw new Error('pictures are missing')
  expect([first.width, first.height]).toEqual([512, 256])
  const far = await distance(first, final)
  expect(await distance(second, final)).toBeLessThan(far)
  expect(far).toBeLessThan(25)
  expect(events.flatMap((event) => (event.type === 'progress' ? [event.percent] : []))).toEqual([0, 50, 100])
})

test('an edit shows its reference and the prompt', async () => {
  const [bright, dark] = await Promise.all([
    paint({ prompt: 'snow', seed: 1, size: '300x300' }),
    paint({ prompt: 'night', seed: 1, size: '300x300' }),
  ])
  const asked = { kind: 'edit', prompt: 'autumn', seed: 5, size: '300x300' } as const
  const [ofBright, ofDark, otherPrompt] = await Promise.all([
    paint(asked, { images: [bright] }),
    paint(asked, { images: [dark] }),
    paint({ ...asked, prompt: 'neon' }, { images: [bright] }),
  ])
  expect(await distance(ofBright, ofDark)).toBeGreaterThan(15)
  expect(await distance(ofBright, bright)).toBeGreaterThan(15)
  expect(await distance(ofBright, otherPrompt)).toBeGreaterThan(15)
})

test('further references of an edit are seen as thumbnails', async () => {
  const [main, red, blue] = await Promise.all([
    paint({ prompt: 'sea', seed: 1, size: '400x400' }),
    flat('#ff0000'),
    flat('#0000ff'),
  ])
  const asked = { kind: 'edit', prompt: 'winter', seed: 5, size: '400x400' } as const
  const without = await paint(asked, { images: [main] })
  const many = await paint(asked, { images: [main, red, blue, ...Array.from({ length: 13 }, () => red)] })
  expect(await colourAt(many, 40, 40)).toMatchObject({
    r: expect.closeTo(255, -1.5),
    b: expect.closeTo(0, -1.5),
  })
  expect(await colourAt(many, 95, 40)).toMatchObject({
    r: expect.closeTo(0, -1.5),
    b: expect.closeTo(255, -1.5),
  })
  expect(await colourAt(without, 40, 40)).not.toMatchObject({
    r: expect.closeTo(255, -1.5),
    b: expect.closeTo(0, -1.5),
  })
})

test('a mask keeps everything as it was but its transparent part', async () => {
  const [picture, mask] = await Promise.all([
    paint({ prompt: 'sea', seed: 1, size: '400x300' }),
    holed(400, 300),
  ])
  const edited = await paint(
    { kind: 'edit', prompt: 'flowers', seed: 2, size: '400x300' },
    { images: [picture], mask },
  )
  const [before, after] = await Promise.all([pixels(picture), pixels(edited)])
  const changed = { inside: 0, outside: 0 }
  for (let at = 0; at < before.length; at += 3) {
    const x = (at / 3) % 400
    const y = Math.floor(at / 3 / 400)
    const inside = x >= 100 && x < 300 && y >= 100 && y < 250
    if (before[at] !== after[at]) changed[inside ? 'inside' : 'outside']++
  }
  expect(changed.outside).toBe(0)
  expect(changed.inside).toBeGreaterThan(200 * 150 * 0.8)
})

test('a mask without transparency, or with nothing open, is dealt with', async () => {
  const picture = await flat('#336699')
  const asked = { kind: 'edit', prompt: 'flowers', seed: 2, size: '200x200' } as const
  await expect(paint(asked, { images: [picture], mask: await flat('#ffffff') })).rejects.toMatchObject({
    kind: 'bad_param',
    param: 'mask',
  })
  const closed = await put(
    await sharp({ create: { width: 200, height: 200, channels: 4, background: '#000000ff' } })
      .png()
      .toBuffer(),
  )
  const same = await paint(asked, { images: [picture], mask: closed })
  expect(await distance(same, picture)).toBe(0)
})

test('variations keep the picture and change the colours', async () => {
  const picture = await paint({ prompt: 'city', seed: 1, size: '200x200' })
  const events = await run({ kind: 'variation', n: 4, seed: 1, size: '200x200' }, { images: [picture] })
  const variations = events.flatMap((event) => (event.type === 'image' ? [event.picture] : []))
  expect(new Set(variations.map(({ sha256 }) => sha256)).size).toBe(4)
})

test("a reference that is no picture, too large, or missing is the caller's fault", async () => {
  const text = await put(Buffer.from('not a picture at all'))
  const truncated = await put(
    (await readFile((await paint({ prompt: 'sea', size: '200x200' })).path)).subarray(0, 9000),
  )
  const asked = { kind: 'edit', prompt: 'fox', size: '128x128' } as const
  for (const image of [text, truncated])
    await expect(paint(asked, { images: [image] })).rejects.toMatchObject({
      kind: 'bad_param',
      param: 'image',
    })
  const none = () => provider.plan(request(asked))
  expect(none).toThrow(expect.objectContaining({ kind: 'bad_param', param: 'image' }))
  const many = () => provider.plan(request(asked, { images: Array.from({ length: 17 }, () => text) }))
  expect(many).toThrow(expect.objectContaining({ kind: 'bad_param', param: 'image' }))
})

test('it stops when the signal says so', async () => {
  const controller = new AbortController()
  const gone = new Error('nobody waits')
  const seen: string[] = []
  const work = async () => {
    for await (const event of start(
      { prompt: 'sea', n: 10, size: '128x128' },
      { images: [] },
      controller.signal,
    )) {
      seen.push(event.type)
      if (event.type === 'image') controller.abort(gone)
    }
  }
  await expect(work()).rejects.toBe(gone)
  expect(seen.filter((type) => type === 'image')).toEqual(['image'])
})

function job(asked: Partial<ImageJob>): ImageJob {
  return { kind: 'generate', model: 'demo', prompt: '', n: 1, dialect: 'openai', ...asked }
}

function request(asked: Partial<ImageJob>, inputs: Inputs = { images: [] }) {
  return { job: job(asked), model: 'demo', inputs }
}

function planned(asked: Partial<ImageJob>): DemoRequest[] {
  return provider
    .plan(request(asked))
    .calls.map((call) => call.request)
    .filter(isDemoRequest)
}

function sizeOf(asked: Partial<ImageJob>): { width: number; height: number } {
  return planned(asked)[0]?.size ?? { width: 0, height: 0 }
}

async function* start(
  asked: Partial<ImageJob>,
  inputs: Inputs,
  signal: AbortSignal,
): AsyncGenerator<ImageEvent> {
  if (!account) throw new Error('there is no account')
  for (const call of provider.plan(request(asked, inputs)).calls)
    yield* provider.run(call, { account, http, spool, signal })
}

async function run(asked: Partial<ImageJob>, inputs: Inputs = { images: [] }): Promise<ImageEvent[]> {
  return Array.fromAsync(start(asked, inputs, AbortSignal.timeout(20_000)))
}

async function paint(asked: Partial<ImageJob>, inputs?: Inputs): Promise<Spooled> {
  const image = (await run(asked, inputs)).find((event) => event.type === 'image')
  if (!image) throw new Error('there is no picture')
  return image.picture
}

async function put(bytes: Buffer): Promise<Spooled> {
  const writer = spool.writer()
  await writer.write(bytes)
  return writer.finish()
}

async function flat(background: string): Promise<Spooled> {
  return put(
    await sharp({ create: { width: 200, height: 200, channels: 3, background } })
      .png()
      .toBuffer(),
  )
}

/** Opaque but for a rectangle of 200 × 150 at 100,100. */
async function holed(width: number, height: number): Promise<Spooled> {
  const pixels = Buffer.alloc(width * height * 4, 255)
  for (let y = 100; y < 250; y++) for (let x = 100; x < 300; x++) pixels[(y * width + x) * 4 + 3] = 0
  return put(
    await sharp(pixels, { raw: { width, height, channels: 4 } })
      .png()
      .toBuffer(),
  )
}

function pixels({ path }: Spooled, size = 0): Promise<Buffer> {
  const picture = sharp(path).removeAlpha()
  return (size ? picture.resize(size, size, { fit: 'fill' }) : picture).raw().toBuffer()
}

/** Mean difference of the channels, 0..255, of two pictures made equally small. */
async function distance(a: Spooled, b: Spooled): Promise<number> {
  const [one, other] = await Promise.all([pixels(a, 64), pixels(b, 64)])
  return one.reduce((sum, value, at) => sum + Math.abs(value - (other[at] ?? 0)), 0) / one.length
}

async function colourAt(
  picture: Spooled,
  x: number,
  y: number,
): Promise<{ r: number; g: number; b: number }> {
  const data = await pixels(picture)
  const at = (y * (picture.width ?? 0) + x) * 3
  return { r: data[at] ?? 0, g: data[at + 1] ?? 0, b: data[at + 2] ?? 0 }
}
