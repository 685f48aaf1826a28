import { expect, test } from 'vitest'
import { enlargedSize, isLarger } from './enlarged-size.ts'

const size = (width: number, height: number, asked?: string) => {
  const { width: wide, height: high } = enlargedSize({ width, height }, asked)
  return `${wide}x${high}`
}

test('twice as large, but no side above 4096', () => {
  expect(size(1024, 1024)).toBe('2048x2048')
  expect(size(1, 1)).toBe('2x2')
  expect(size(3000, 1500)).toBe('4096x2048')
  expect(size(1000, 4000)).toBe('1024x4096')
  expect(size(2048, 3)).toBe('4096x6')
})

test('as large as asked within that, in the shape of the picture', () => {
  expect(size(100, 100, '300x300')).toBe('300x300')
  expect(size(100, 50, '300x300')).toBe('300x150')
  expect(size(100, 100, '8192x8192')).toBe('4096x4096')
})

test('what is asked and not larger counts as not asked', () => {
  for (const asked of ['auto', '100x100', '50x500', '']) expect(size(100, 100, asked)).toBe('200x200')
})

test('larger is what has more pixels', () => {
  expect(isLarger({ width: 3, height: 3 }, { width: 4, height: 2 })).toBe(true)
  expect(isLarger({ width: 4, height: 2 }, { width: 4, height: 2 })).toBe(false)
})
