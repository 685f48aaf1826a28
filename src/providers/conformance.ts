import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import type { ImageJob } from '../../contract/job.ts'
import { Spooled } from '../bytes/spooled.ts'
import {
  type Bench,
  collect,
  firstAccount,
  job,
  NONE,
  plan,
  type Subject,
  useBench,
} from './conformance-bench.ts'
import type { ImageEvent } from './provider.ts'
import { ProviderError } from './provider-error.ts'

/** What every provider must do. Call it in the adapter's test file. */
export function providerConformance(name: string, setUp: () => Promise<Subject>): void {
  describe(`${name} is a provider`, () => {
    const bench = useBench(setUp)
    describePlan(bench)
    describeRun(bench)
    describeFailures(bench)
  })
}

function describePlan(bench: () => Bench): void {
  test('it has a name, accounts and models that it serves', () => {
    const { provider, model } = bench().subject
    expect(provider.name).not.toBe('')
    expect(provider.accounts.length).toBeGreaterThan(0)
    expect(new Set(provider.accounts.map(({ id }) => id)).size).toBe(provider.accounts.length)
    for (const { id } of provider.models()) expect(provider.serves(id)).toBe(true)
    expect(provider.serves(model)).toBe(true)
  })

  test('its capabilities agree with each other', () => {
    const { provider, model } = bench().subject
    for (const id of [model, ...provider.models().map((info) => info.id)]) {
      const { maxImages, maxReferences, sizes, aspectRatios, supports } = provider.capabilities(id)
      expect(maxImages).toBeGreaterThan(0)
      expect(maxReferences).toBeGreaterThanOrEqual(0)
      if (supports.mask || supports.variation) expect(maxReferences).toBeGreaterThan(0)
      if (sizes.rule === 'list')
        expect(sizes.list.filter((size) => !/^(auto|\d+x\d+)$/.test(size))).toEqual([])
      if (sizes.rule === 'free') expect(sizes.max).toBeGreaterThanOrEqual(sizes.step)
      expect(aspectRatios.filter((ratio) => !/^[\d.]+:[\d.]+$/.test(ratio))).toEqual([])
    }
  })

  test('a plan splits n over calls and never asks for more than one call can give', () => {
    const { provider, model } = bench().subject
    const { maxImages } = provider.capabilities(model)
    for (const n of [1, maxImages, maxImages + 1, 10]) {
      const counts = provider
        .plan({ job: job(model, { n }), model, inputs: NONE })
        .calls.map(({ images }) => images)
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(n)
      expect(Math.max(...counts)).toBeLessThanOrEqual(maxImages)
      expect(Math.min(...counts)).toBeGreaterThan(0)
    }
  })

  test('a plan is pure', () => {
    const { provider, model } = bench().subject
    const request = deepFreeze({ job: job(model, { ...ODD_WISHES, n: 3 }), model, inputs: NONE })
    expect(provider.plan(request)).toEqual(provider.plan(request))
  })

  test('what will not reach the upstream is named in the words of the caller', () => {
    const { provider, model, foreignDialect: dialect = 'batch' } = bench().subject
    const { supports, qualities, styles, backgrounds, sizes, aspectRatios } = provider.capabilities(model)
    const { warnings } = provider.plan({ job: job(model, { ...ODD_WISHES, dialect }), model, inputs: NONE })
    for (const { message } of warnings) expect(message).not.toBe('')
    const named = warnings.map(({ param }) => param)
    const lost = {
      seed: !supports.seed,
      quality: qualities.length === 0,
      style: styles.length === 0,
      background: backgrounds.length === 0,
      moderation: !supports.moderation,
      odd_parameter: true,
      size: sizes.rule === 'none' && aspectRatios.length === 0,
    }
    for (const [param, isLost] of Object.entries(lost)) if (isLost) expect(named).toContain(param)
  })

  test('what the model takes is not warned about', () => {
    const { provider, model } = bench().subject
    expect(provider.plan({ job: job(model), model, inputs: NONE }).warnings).toEqual([])
  })
}

function describeRun(bench: () => Bench): void {
  test('a call yields as many pictures as it asks for, each in a file', async () => {
    const { subject, context } = bench()
    const [call] = plan(subject, { n: 2 })
    const events = await collect(subject.provider.run(call, context()))
    await expectWellFormed(events)
    expect(imagesIn(events)).toHaveLength(call.images)
  })

  test('previews come before the picture', async () => {
    const { subject, context } = bench()
    if (!subject.provider.capabilities(subject.model).supports.partialImages) return
    const [call] = plan(subject, { partialImages: 2 })
    const events = await collect(subject.provider.run(call, context()))
    await expectWellFormed(events)
    const kinds = events.map(({ type }) => type).filter((type) => type === 'partial' || type === 'image')
    expect(kinds.slice(kinds.indexOf('image'))).not.toContain('partial')
    expect(kinds).toContain('partial')
  })

  test('a picture can be edited', async () => {
    const { subject, context } = bench()
    if (subject.provider.capabilities(subject.model).maxReferences === 0) return
    const [call] = plan(subject)
    const own = context()
    const [first] = imagesIn(await collect(subject.provider.run(call, own)))
    if (first === undefined) throw new Error('no picture to edit')
    const [edit] = plan(subject, { kind: 'edit' }, { images: [first.picture] })
    const events = await collect(subject.provider.run(edit, own))
    await expectWellFormed(events)
    expect(imagesIn(events)).toHaveLength(1)
  })

  test('a call may be left early', async () => {
    const { subject, context } = bench()
    const [call] = plan(subject, { n: 2 })
    for await (const event of subject.provider.run(call, context())) {
      expect(event.type).toBeDefined()
      break
    }
  })
}

function describeFailures(bench: () => Bench): void {
  test('an aborted signal ends a call before it begins', async () => {
    const { subject, context } = bench()
    const [call] = plan(subject)
    const signal = AbortSignal.abort(new Error('nobody waits'))
    await expect(collect(subject.provider.run(call, context(signal)))).rejects.toBe(signal.reason)
  })

  test('an abort ends a call at once', async () => {
    const { subject, context } = bench()
    subject.slowDown?.()
    const [call] = plan(subject)
    const controller = new AbortController()
    const result = expect(collect(subject.provider.run(call, context(controller.signal)))).rejects.toBe(GONE)
    // Where it can be slow it is aborted in the middle, else before it gets anywhere.
    if (subject.slowDown !== undefined) await new Promise((resolve) => setTimeout(resolve, 20))
    controller.abort(GONE)
    await result
  })

  test('every failure is a ProviderError without the secret', async () => {
    const { subject, context } = bench()
    const { secret } = firstAccount(subject.provider)
    for (const [failure, provoke] of Object.entries(subject.failures ?? {})) {
      provoke()
      const [call] = plan(subject)
      const error = await collect(subject.provider.run(call, context())).catch((thrown: unknown) => thrown)
      expect(error, failure).toBeInstanceOf(ProviderError)
      if (secret !== '') expect(everythingIn(error), failure).not.toContain(secret)
    }
  })
}

const GONE = new Error('the client is gone')
/** Asks for something of everything, so that every model loses some of it. */
const ODD_WISHES: Partial<ImageJob> = {
  size: '1000x333',
  quality: 'unheard-of',
  style: 'unheard-of',
  background: 'unheard-of',
  moderation: 'low',
  seed: 7,
  extra: { odd_parameter: 1 },
}

function imagesIn(events: readonly ImageEvent[]) {
  return events.filter((event) => event.type === 'image')
}

async function expectWellFormed(events: readonly ImageEvent[]): Promise<void> {
  for (const event of events) {
    if (event.type === 'image' || event.type === 'partial') await expectPicture(event.picture)
    if (event.type === 'progress' && event.percent !== undefined) {
      expect(event.percent).toBeGreaterThanOrEqual(0)
      expect(event.percent).toBeLessThanOrEqual(100)
    }
  }
  const arrivals = events
    .filter(({ type }) => type === 'arriving' || type === 'image')
    .map(({ type }) => type)
  expect(arrivals.lastIndexOf('arriving')).toBeLessThanOrEqual(0)
  const indexes = imagesIn(events).map(({ index }) => index)
  expect(new Set(indexes).size).toBe(indexes.length)
}

async function expectPicture(picture: Spooled): Promise<void> {
  expect(picture).toBeInstanceOf(Spooled)
  expect(picture.mime).toMatch(/^image\//)
  expect(picture.width).toBeGreaterThan(0)
  expect(picture.height).toBeGreaterThan(0)
  const bytes = await readFile(picture.path)
  expect(picture.bytes).toBe(bytes.length)
  expect(picture.sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
}

function everythingIn(error: unknown): string {
  const parts: string[] = []
  for (let current = error; current instanceof Error; current = current.cause) {
    parts.push(String(current.stack), current.message, JSON.stringify(current))
  }
  return parts.join('\n')
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze)
  return value
}
