import { expect, test } from 'vitest'
import { Spooled } from '../../bytes/spooled.ts'
import { type Body, toJob } from './codec.ts'

const DEFAULTS = { model: 'pictor', aspectRatio: '16:9' } as const

test('every parameter of the images API has its place in the job', () => {
  const body: Body = {
    prompt: 'a fox',
    model: 'gpt-image-1',
    n: 3,
    size: '1024x1024',
    aspect_ratio: '1:1',
    quality: 'high',
    style: 'vivid',
    background: 'transparent',
    output_format: 'webp',
    output_compression: 80,
    moderation: 'low',
    input_fidelity: 'high',
    stream: true,
    partial_images: 2,
    seed: 7,
    user: 'someone',
    response_format: 'url',
    async: false,
    webhook_url: 'https://example.com',
    image: 'x',
    images: ['x'],
    mask: 'x',
  }
  expect(toJob('edit', body, DEFAULTS)).toEqual({
    kind: 'edit',
    dialect: 'openai',
    prompt: 'a fox',
    model: 'gpt-image-1',
    n: 3,
    size: '1024x1024',
    aspectRatio: '1:1',
    quality: 'high',
    style: 'vivid',
    background: 'transparent',
    outputFormat: 'webp',
    outputCompression: 80,
    moderation: 'low',
    inputFidelity: 'high',
    partialImages: 2,
    seed: 7,
    user: 'someone',
    responseFormat: 'url',
  })
})

test('what is not said is filled in or left out, never undefined', () => {
  const job = toJob('generate', { prompt: 'a fox' }, DEFAULTS)
  const least = { kind: 'generate', dialect: 'openai', prompt: 'a fox', model: 'pictor', n: 1 }
  expect(Object.entries(job)).toEqual(Object.entries({ ...job }).filter(([, value]) => value !== undefined))
  expect(job).toEqual({ ...least, aspectRatio: '16:9' })
  expect(toJob('generate', { prompt: 'a fox', size: 'auto' }, DEFAULTS)).toEqual({ ...least, size: 'auto' })
  expect(toJob('generate', { prompt: 'a fox' }, { ...DEFAULTS, aspectRatio: undefined })).toEqual(least)
  expect(toJob('variation', {}, DEFAULTS)).toMatchObject({ kind: 'variation', prompt: '' })
})

test('previews are asked for only where they can be shown', () => {
  expect(toJob('generate', { prompt: 'x', partial_images: 2 }, DEFAULTS)).not.toHaveProperty('partialImages')
})

test('what is not known travels along untouched', () => {
  const body = JSON.parse('{"prompt":"x","resolution":"2k","__proto__":{"a":1},"constructor":[1]}') as Body
  const { extra } = toJob('generate', body, DEFAULTS)
  expect(JSON.stringify(extra)).toBe('{"resolution":"2k","__proto__":{"a":1},"constructor":[1]}')
  expect(Object.getPrototypeOf(extra)).toBe(Object.prototype)
})

test('what is not known may be neither a picture nor a pit', () => {
  const picture = new Spooled({
    path: '/spool/1',
    sha256: 'a'.repeat(64),
    bytes: 1,
    mime: 'image/png',
    width: 1,
    height: 1,
  })
  const nested = (depth: number) => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`)
  const asking = (more: Record<string, unknown>) => () =>
    toJob('generate', { prompt: 'x', ...more } as Body, DEFAULTS)
  const error = (param: string) => expect.objectContaining({ code: 'invalid_value', param })
  expect(asking({ reference: picture })).toThrow(error('reference'))
  expect(asking({ references: [{ url: picture }] })).toThrow(error('references'))
  expect(asking({ deep: nested(100_000) })).toThrow(error('deep'))
  expect(asking({ deep: nested(90) })).not.toThrow()
})
