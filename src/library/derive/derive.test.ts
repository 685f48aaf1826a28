import { execFile } from 'node:child_process'
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import sharp, { type Sharp } from 'sharp'
import { thumbHashToAverageRGBA } from 'thumbhash'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDerivePool, type DerivePool } from './derive-pool.ts'
import { type Derivatives, type DeriveInput, makeDerivatives } from './make-derivatives.ts'
import { flat, hugePng, scene } from './test-pictures.ts'

let folder: string
let pool: DerivePool

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pictor-derive-'))
  pool = createDerivePool()
})

afterAll(async () => {
  await pool.close()
  await rm(folder, { recursive: true })
})

test.each([
  ['png', (picture: Sharp) => picture.png()],
  ['jpeg', (picture: Sharp) => picture.jpeg()],
  ['webp', (picture: Sharp) => picture.webp()],
  ['avif', (picture: Sharp) => picture.avif({ effort: 0 })],
  ['gif', (picture: Sharp) => picture.gif()],
  ['CMYK jpeg', (picture: Sharp) => picture.toColourspace('cmyk').jpeg()],
  ['16-bit png', (picture: Sharp) => picture.toColourspace('rgb16').png()],
  ['grey png', (picture: Sharp) => picture.greyscale().png()],
  ['png with alpha', (picture: Sharp) => picture.ensureAlpha(0.5).png()],
] as const)('%s gives thumbnails, thumbhash and perceptual hash', async (name, encode) => {
  const input = await source(name, encode(scene(1600, 1200)))
  const { sizes, thumbhash, phash } = await pool.derive(input)
  expect(sizes).toMatchObject({ 1280: { width: 1280, height: 960 }, 320: { width: 320, height: 240 } })
  for (const size of [320, 1280] as const) {
    const bytes = await readFile(input.target(size))
    expect(bytes.length).toBe(sizes[size].bytes)
    const { format, width } = await sharp(bytes).metadata()
    expect({ format, width }).toEqual({ format: 'webp', width: size })
    expect(await difference(bytes, await sharp(input.source).png().toBuffer())).toBeLessThan(8)
  }
  expect(phash).toMatch(/^[0-9a-f]{16}$/)
  const { a, g } = thumbHashToAverageRGBA(Buffer.from(thumbhash, 'base64'))
  expect(a).toBeCloseTo(name === 'png with alpha' ? 0.5 : 1, 1)
  expect(g).toBeGreaterThan(0.1)
})

test('nothing is enlarged', async () => {
  const { sizes } = await pool.derive(await source('tiny', scene(40, 500).png()))
  expect(sizes).toMatchObject({ 1280: { width: 40, height: 500 }, 320: { width: 26, height: 320 } })
})

test('orientation is applied', async () => {
  const { sizes } = await pool.derive(
    await source('turned', scene(400, 200).withMetadata({ orientation: 6 }).jpeg()),
  )
  expect(sizes[320]).toMatchObject({ width: 160, height: 320 })
})

test('an animation gives its first frame', async () => {
  const frames = await Promise.all(
    ['#ff0000', '#0000ff'].map((colour) => flat(50, 40, colour).png().toBuffer()),
  )
  const input = await source('animation', sharp(frames, { join: { animated: true } }).gif())
  const { sizes } = await pool.derive(input)
  expect(sizes[320]).toMatchObject({ width: 50, height: 40 })
  const { dominant } = await sharp(input.target(320)).stats()
  expect(dominant.r).toBeGreaterThan(200)
})

test('the perceptual hash is near for a smaller, re-encoded copy and far for another picture', async () => {
  const [original, copy, other] = await Promise.all([
    pool.derive(await source('original', scene(1200, 900).png())),
    pool.derive(
      await source('copy', scene(1200, 900).resize(500).modulate({ brightness: 1.05 }).jpeg({ quality: 50 })),
    ),
    pool.derive(await source('other', scene(1200, 900).rotate(90).png())),
  ])
  expect(bitsApart(original, copy)).toBeLessThanOrEqual(6)
  expect(bitsApart(original, other)).toBeGreaterThan(16)
})

test.each([
  ['text', async () => Buffer.from('this is no picture')],
  ['empty', async () => Buffer.alloc(0)],
  ['truncated png', async () => (await scene(800, 800).png().toBuffer()).subarray(0, 5000)],
  ['broken jpeg', async () => (await scene(800, 800).jpeg().toBuffer()).fill(0xa5, 800)],
  ['bomb', async () => hugePng(50_000, 50_000)],
])('%s is refused, leaves nothing, and the next picture works', async (name, bytes) => {
  const input = await place(name, await bytes())
  await expect(pool.derive(input)).rejects.toMatchObject({ name: 'AppError', code: 'invalid_image' })
  await expectNoTargets(input)
  expect((await pool.derive(await source('fine', scene(100, 100).png()))).phash).toMatch(/^[0-9a-f]{16}$/)
})

test('a target that cannot be written is told with the code of the system', async () => {
  const { source: picture } = await source('unwritable', scene(100, 100).png())
  const target = (size: number) => join(picture, `${size}.webp`)
  await expect(pool.derive({ source: picture, target })).rejects.toMatchObject({
    code: expect.stringMatching(/^E/),
  })
})

test('a child that is killed fails its picture only', async () => {
  const own = createDerivePool()
  const [big, small] = await Promise.all([
    source('big', scene(6000, 6000).png({ compressionLevel: 1 })),
    source('small', scene(60, 60).png()),
  ])
  const [first, child] = await childOf(() =>
    expect(own.derive(big)).rejects.toMatchObject({ code: 'server_error' }),
  )
  const second = own.derive(small)
  process.kill(child, 'SIGKILL')
  await first
  await expectNoTargets(big)
  expect((await second).sizes[320]).toMatchObject({ width: 60, height: 60 })
  await own.close()
})

test('a signal to the whole group does not cost a picture', async () => {
  const own = createDerivePool()
  const small = await source('warm', scene(60, 60).png())
  const [started, child] = await childOf(() => own.derive(small))
  await started
  const working = own.derive(await source('signalled', scene(3000, 3000).png({ compressionLevel: 1 })))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.kill(child, signal)
  expect((await working).phash).toMatch(/^[0-9a-f]{16}$/)
  await own.close()
})

test('a picture that takes too long, or that nobody wants any more, is given up', async () => {
  const own = createDerivePool({ timeout: 30 })
  const big = await source('slow', scene(6000, 6000).png({ compressionLevel: 1 }))
  await expect(own.derive(big)).rejects.toMatchObject({ name: 'TimeoutError' })
  const patient = createDerivePool()
  const gone = new Error('nobody waits')
  const controller = new AbortController()
  const [result] = await childOf(() => expect(patient.derive(big, controller.signal)).rejects.toBe(gone))
  controller.abort(gone)
  await result
  await expect(patient.derive(big, AbortSignal.abort(gone))).rejects.toBe(gone)
  await expectNoTargets(big)
  expect((await patient.derive(await source('after', scene(60, 60).png()))).phash).toMatch(/^[0-9a-f]{16}$/)
  await Promise.all([own.close(), patient.close()])
})

test('closing ends the child and what is waiting', async () => {
  const own = createDerivePool()
  const input = await source('waiting', scene(6000, 6000).png({ compressionLevel: 1 }))
  const [results, child] = await childOf(() => Promise.allSettled([own.derive(input), own.derive(input)]))
  await own.close()
  expect(() => process.kill(child, 0)).toThrow(expect.objectContaining({ code: 'ESRCH' }))
  for (const result of await results)
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'server_error' } })
  await expectNoTargets(input)
})

test('an idle child ends by itself, and a program that forgets to close the pool can end', async () => {
  const input = await source('idle', scene(60, 60).png())
  const script = join(folder, 'program.ts')
  const parts = JSON.stringify({
    pool: new URL('./derive-pool.ts', import.meta.url).href,
    source: input.source,
  })
  await writeFile(
    script,
    `import { readFileSync } from 'node:fs'
    const { pool: url, source } = ${parts}
    const { createDerivePool } = await import(url)
    const children = () => readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim()
    const stay = setInterval(() => {}, 1000)
    const pool = createDerivePool({ idle: 50 })
    const input = { source, target: (size) => source + '.idle.' + size }
    await pool.derive(input)
    while (children() !== '') await new Promise((resolve) => setTimeout(resolve, 20))
    const other = createDerivePool()
    await other.derive(input)
    clearInterval(stay)
    process.stdout.write('child ' + children())`,
  )
  const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: 20_000 })
  const child = Number(/^child (\d+)$/.exec(stdout)?.[1])
  expect(child).toBeGreaterThan(1)
  await expect.poll(() => isAlive(child), { timeout: 5000 }).toBe(false)
})

test('the child works at the lowest priority, on all its threads', async () => {
  const own = createDerivePool()
  const input = await source('priority', scene(300, 300).png())
  const [working, child] = await childOf(() => own.derive(input))
  await working
  const threads = await readdir(`/proc/${child}/task`)
  const stats = await Promise.all(
    threads.map((thread) => readFile(`/proc/${child}/task/${thread}/stat`, 'utf8')),
  )
  const nice = stats.map((line) => Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[16]))
  expect(nice.length).toBeGreaterThan(1)
  expect(new Set(nice)).toEqual(new Set([19]))
  await own.close()
})

test('the same is made in this process', async () => {
  const input = await source('direct', scene(500, 300).png())
  const made = await makeDerivatives(input)
  expect(made).toEqual(await pool.derive(input))
})

async function source(name: string, picture: Sharp): Promise<DeriveInput> {
  return place(name, await picture.toBuffer())
}

async function place(name: string, bytes: Buffer): Promise<DeriveInput> {
  const path = join(folder, name.replaceAll(' ', '-'))
  await writeFile(path, bytes)
  return {
    source: path,
    target: (size) => join(folder, 'thumbnails', `${name.replaceAll(' ', '-')}.${size}.webp`),
  }
}

async function expectNoTargets({ target }: DeriveInput): Promise<void> {
  for (const size of [320, 1280] as const)
    await expect(access(target(size))).rejects.toMatchObject({ code: 'ENOENT' })
  const left = await readdir(join(folder, 'thumbnails')).catch(() => [])
  expect(left.filter((name) => name.endsWith('.part'))).toEqual([])
}

/** Mean difference of the colours, 0..255, of two pictures made equally small. */
async function difference(a: Buffer, b: Buffer): Promise<number> {
  const small = (bytes: Buffer) =>
    sharp(bytes)
      .flatten({ background: 'white' })
      .toColourspace('srgb')
      .resize(32, 32, { fit: 'fill' })
      .removeAlpha()
      .raw()
      .toBuffer()
  const [one, other] = await Promise.all([small(a), small(b)])
  return one.reduce((sum, value, at) => sum + Math.abs(value - (other[at] ?? 0)), 0) / one.length
}

function bitsApart(a: Derivatives, b: Derivatives): number {
  const differing = BigInt(`0x${a.phash}`) ^ BigInt(`0x${b.phash}`)
  return differing.toString(2).replaceAll('0', '').length
}

/** Does something that makes a pool start its child, and returns that child's id. */
async function childOf<T>(start: () => T): Promise<[result: T, child: number]> {
  const before = new Set(await children())
  const result = start()
  const started = async () => (await children()).find((pid) => !before.has(pid))
  const child = await expect.poll(started, { timeout: 5000, interval: 2 }).toBeDefined().then(started)
  if (child === undefined) throw new Error('the child is gone already')
  return [result, child]
}

async function children(): Promise<number[]> {
  const threads = await readdir('/proc/self/task')
  const lists = await Promise.all(
    threads.map((thread) => readFile(`/proc/self/task/${thread}/children`, 'utf8')),
  )
  return lists.join(' ').split(' ').filter(Boolean).map(Number)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
