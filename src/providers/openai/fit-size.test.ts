import { expect, test } from 'vitest'
import { ASPECT_RATIOS, type ImageSize } from '../../../contract/job.ts'
import { fitSize } from '../fit-size.ts'
import { traitsOf } from './capabilities.ts'

const fitted = (
  model: string,
  size?: string,
  aspectRatio?: (typeof ASPECT_RATIOS)[number],
  imageSize?: ImageSize,
) => {
  const { fields, warnings } = fitSize({ size, aspectRatio, imageSize }, traitsOf(model, 'relay.example'))
  return { ...fields, ...(warnings.length > 0 && { warned: warnings.map(({ param }) => param).join() }) }
}

test.each([
  ['1024x1024', { size: '1024x1024' }],
  ['1536x1024', { size: '1536x1024' }],
  ['512x512', { size: '1024x1024', warned: 'size' }],
  ['1792x1024', { size: '1536x1024', warned: 'size' }],
  ['768x1344', { size: '1024x1536', warned: 'size' }],
  ['2048x2048', { size: '1024x1024', warned: 'size' }],
  ['auto', {}],
  [undefined, {}],
])('a list: %s', (size, expected) => {
  expect(fitted('gpt-image-1', size)).toEqual(expected)
})

test.each([
  ['3:2', { size: '1536x1024' }],
  ['1:1', { size: '1024x1024' }],
  ['16:9', { size: '1536x1024', warned: 'aspect_ratio' }],
] as const)('a ratio for a list: %s', (ratio, expected) => {
  expect(fitted('gpt-image-1', undefined, ratio)).toEqual(expected)
  expect(fitted('gpt-image-1', 'auto', ratio)).toEqual(expected)
})

test('among sizes of the same shape the nearest is taken', () => {
  expect(fitted('dall-e-2', '300x300')).toEqual({ size: '256x256', warned: 'size' })
  expect(fitted('dall-e-2', '900x900')).toEqual({ size: '1024x1024', warned: 'size' })
  expect(fitted('dall-e-2', undefined, '1:1')).toEqual({ size: '1024x1024' })
})

test.each([
  ['1920x1088', { size: '1920x1088' }],
  ['1920x1080', { size: '1920x1072', warned: 'size' }],
  ['3840x2160', { size: '3840x2160' }],
  ['4096x4096', { size: '2880x2880', warned: 'size' }],
  ['3000x1000', { size: '2976x992', warned: 'size' }],
  ['1024x8000', { size: '1024x3072', warned: 'size' }],
  ['7x7', { size: '16x16', warned: 'size' }],
])('free sizes with limits: %s', (size, expected) => {
  expect(fitted('gpt-image-2', size)).toEqual(expected)
})

test.each(ASPECT_RATIOS)('%s becomes about a million pixels where sizes are free', (ratio) => {
  const { size = '', ...rest } = fitted('gpt-image-2', undefined, ratio)
  expect(rest).toEqual({})
  const [width = 0, height = 0] = String(size).split('x').map(Number)
  expect((width * height) / 1e6).toBeCloseTo(1.05, 0)
  expect([width % 16, height % 16]).toEqual([0, 0])
})

test.each([
  ['1024x1024', { aspect_ratio: '1:1', resolution: '1k' }],
  ['1792x1008', { aspect_ratio: '16:9', resolution: '1k' }],
  ['2048x2048', { aspect_ratio: '1:1', resolution: '2k' }],
  ['1344x768', { aspect_ratio: '16:9', resolution: '1k' }],
  ['256x256', { aspect_ratio: '1:1', resolution: '1k', warned: 'size' }],
  ['1000x333', { aspect_ratio: '20:9', resolution: '1k', warned: 'size' }],
])('ratio and tier instead of a size: %s', (size, expected) => {
  expect(fitted('grok-imagine-image', size)).toEqual(expected)
})

test('a ratio for a model with ratios', () => {
  expect(fitted('grok-imagine-image', undefined, '2:3')).toEqual({ aspect_ratio: '2:3' })
  expect(fitted('grok-imagine-image', undefined, '21:9')).toEqual({
    aspect_ratio: '20:9',
    warned: 'aspect_ratio',
  })
  expect(fitted('grok-imagine-image', 'auto')).toEqual({})
})

test('a model without any size says so', () => {
  expect(fitted('grok-2-image', '1024x1024')).toEqual({ warned: 'size' })
  expect(fitted('grok-2-image', 'auto')).toEqual({})
})

test('an unknown model gets the size as it is', () => {
  expect(fitted('painter-9000', '1000x333')).toEqual({ size: '1000x333' })
})

test('the size wins over a ratio', () => {
  expect(fitted('gpt-image-1', '1024x1024', '3:2')).toEqual({ size: '1024x1024' })
})

test.each([
  ['gpt-image-2', '16:9', '2K', { size: '2736x1536' }],
  ['gpt-image-2', undefined, '2K', { size: '2048x2048' }],
  ['gpt-image-2', '1:1', '512', { size: '512x512' }],
  ['gpt-image-2', '1:1', '4K', { size: '2880x2880', warned: 'image_size' }],
  ['gpt-image-1', '2:3', '1K', { size: '1024x1536' }],
  ['gpt-image-1', undefined, '1K', { size: '1024x1024' }],
  ['gpt-image-1', '3:2', '4K', { size: '1536x1024', warned: 'image_size' }],
  ['dall-e-2', undefined, '512', { size: '512x512' }],
  ['painter-9000', '16:9', '1K', { size: '1360x768' }],
  ['grok-imagine-image', '16:9', '2K', { aspect_ratio: '16:9', resolution: '2k' }],
  ['grok-imagine-image', undefined, '2K', { resolution: '2k' }],
  ['grok-imagine-image', undefined, '4K', { resolution: '2k', warned: 'image_size' }],
  ['grok-imagine-image', '5:4', '1K', { aspect_ratio: '4:3', resolution: '1k', warned: 'image_size' }],
  ['grok-2-image', '1:1', '1K', { warned: 'image_size' }],
] as const)('a tier for %s: %s at %s', (model, ratio, tier, expected) => {
  expect(fitted(model, undefined, ratio, tier)).toEqual(expected)
  expect(fitted(model, 'auto', ratio, tier)).toEqual(expected)
})

test('the size wins over a tier', () => {
  expect(fitted('gpt-image-1', '1024x1024', '3:2', '4K')).toEqual({ size: '1024x1024' })
})
