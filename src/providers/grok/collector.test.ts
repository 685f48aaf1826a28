import { readdir, readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MessageReader } from '../../bytes/read-message.ts'
import { fakePng, openTestSpool, type TestSpool } from '../../bytes/testing.ts'
import type { ImageEvent } from '../provider.ts'
import { type Collector, createCollector } from './collector.ts'
import { type Frame, readFrame } from './frame.ts'

let temporary: TestSpool
beforeAll(async () => {
  temporary = await openTestSpool()
})
afterAll(() => temporary[Symbol.asyncDispose]())

const BLOBS = { preview: fakePng(9_000), medium: fakePng(40_000), final: fakePng(90_000) }

/** The messages of a recorded conversation, read as they come off a socket. */
async function framesOf(name: string): Promise<(Frame | undefined)[]> {
  const messages = JSON.parse(
    await readFile(new URL(`replies/${name}.json`, import.meta.url), 'utf8'),
  ) as unknown[]
  return Promise.all(messages.map(toFrame))
}

async function toFrame(message: unknown): Promise<Frame | undefined> {
  const text = JSON.stringify(message).replace(/<(preview|medium|final)>/, (_, stage: keyof typeof BLOBS) =>
    BLOBS[stage].toString('base64'),
  )
  const read = await new MessageReader({ spool: temporary.spool }).push(Buffer.from(text), true)
  if (read === undefined || 'flaw' in read) throw new Error('the message cannot be read')
  return await readFrame(read.value, temporary.spool)
}

/** What a frame led to, in a few words. */
function describeEvent(event: ImageEvent): string {
  if (event.type === 'progress') return `${event.percent ?? ''}% ${event.stage ?? ''}`.trim()
  if (event.type === 'partial')
    return `partial ${event.index}.${event.partialIndex} of ${event.picture.bytes}`
  return event.type === 'image' ? `image ${event.index} of ${event.picture.bytes}` : event.type
}

async function play(name: string, collector: Collector): Promise<string[]> {
  const all: string[] = []
  for (const frame of await framesOf(name)) {
    if (frame === undefined || frame.type === 'refusal') continue
    all.push(collector.take(frame).map(describeEvent).join(', '))
    if (collector.isDone) break
  }
  return all
}

describe('recorded conversations', () => {
  test.each<[string, string[], boolean]>([
    [
      'v1-sizes-tell',
      [
        'arriving, 16% preview, partial 0.0 of 9000',
        '33% preview, partial 1.0 of 9000',
        '49% medium, partial 0.1 of 40000',
        '66% final, image 0 of 90000',
        '83% final, partial 1.1 of 40000',
        '100% final, image 1 of 90000',
      ],
      true,
    ],
    [
      'v2-last-before-completed',
      [
        '0%',
        '',
        'arriving, 16% preview, partial 0.0 of 9000',
        '41% medium, partial 1.0 of 40000',
        '65% medium, partial 0.1 of 90000',
        '75% medium, image 0 of 90000',
        '100% final',
        'image 1 of 90000',
      ],
      true,
    ],
    [
      'v3-completed-first',
      [
        '0%',
        '',
        'arriving, 6% preview, partial 1.0 of 9000',
        '50% preview',
        '100% final',
        'image 1 of 90000',
        'image 0 of 90000',
      ],
      true,
    ],
    ['v3-moderated', ['0%', '', 'arriving, 20% medium, partial 0.0 of 40000', '50% medium', ''], true],
  ])('%s', async (name, expected, isDone) => {
    const collector = createCollector({ images: 2, previews: 2 })
    expect(await play(name, collector)).toEqual(expected)
    expect(collector.isDone).toBe(isDone)
  })

  test('none is left out', async () => {
    expect(await readdir(new URL('replies/', import.meta.url))).toHaveLength(4)
  })

  test('what is withheld and what failed are told apart at the end', async () => {
    const collector = createCollector({ images: 2, previews: 0 })
    await play('v3-moderated', collector)
    expect(collector.finish(false)).toEqual({
      events: [{ type: 'blocked', reason: 'the upstream withheld a picture.' }],
      missing: 1,
    })
  })

  test('one is enough where one is wanted', async () => {
    const collector = createCollector({ images: 1, previews: 0 })
    expect((await play('v1-sizes-tell', collector)).at(-1)).toBe('100% final, image 0 of 90000')
    expect(collector.finish(false)).toEqual({ events: [], missing: 0 })
  })
})

describe('what is waited for', () => {
  test('a sign, a picture, its end, the others', async () => {
    const collector = createCollector({ images: 2, previews: 0 })
    const awaited = [collector.awaited]
    for (const frame of await framesOf('v1-sizes-tell')) {
      if (frame?.type === 'picture') collector.take(frame)
      awaited.push(collector.awaited)
    }
    expect(awaited.slice(0, 5)).toEqual(['start', 'picture', 'picture', 'final', 'rest'])
  })

  test('a picture that fell silent at a good preview counts as withheld, one at a poor preview is missing', async () => {
    const frames = await framesOf('v1-sizes-tell')
    const collector = createCollector({ images: 2, previews: 0 })
    for (const frame of frames.slice(0, 3)) if (frame?.type === 'picture') collector.take(frame)
    expect(collector.finish(true)).toMatchObject({ events: [{ type: 'blocked' }], missing: 1 })
  })

  test('a preview is never handed over as a picture, a large unfinished one is', async () => {
    const order = { ids: ['a'], order: 0, percent: 60, isModerated: false }
    const picture = async (bytes: number) => {
      const frame = await toFrame({
        type: 'image',
        id: 'a',
        blob: fakePng(bytes).toString('base64'),
        percentage_complete: 60,
      })
      if (frame?.type !== 'picture') throw new Error('no picture')
      return frame
    }
    const small = createCollector({ images: 1, previews: 0 })
    small.take(await picture(60_000))
    small.take({ type: 'status', status: 'completed', ...order })
    expect(small.finish(true).events.filter(({ type }) => type === 'image')).toEqual([])
    const large = createCollector({ images: 1, previews: 0 })
    large.take(await picture(80_000))
    expect(large.finish(true).events.map(({ type }) => type)).toEqual(['image'])
  })
})

test('other messages are none of our business', async () => {
  for (const message of [
    null,
    7,
    'pong',
    [],
    {},
    { type: 'session' },
    { type: 'json' },
    { type: 'json', current_status: null },
  ])
    expect(await readFrame(message, temporary.spool)).toBeUndefined()
  expect(await readFrame({ type: 'error' }, temporary.spool)).toEqual({
    type: 'refusal',
    code: '',
    message: '',
  })
  expect(await readFrame({ type: 'error', err_code: 'x', err_msg: 'y' }, temporary.spool)).toMatchObject({
    code: 'x',
    message: 'y',
  })
})
