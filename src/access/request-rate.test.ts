import { expect, test } from 'vitest'
import type { AppError } from '../base/error.ts'
import { createRequestRate } from './request-rate.ts'

function start() {
  const clock = { at: 1_000_000, now: () => clock.at }
  const rate = createRequestRate(clock)
  /** The seconds to wait; 0 for a request that is let in. */
  const ask = (key: string, perMinute: number): number => {
    try {
      rate.count(key, perMinute)
      return 0
    } catch (error) {
      expect(error).toMatchObject({ code: 'request_rate_reached' })
      return (error as AppError).retryAfter ?? 0
    }
  }
  return { clock, ask }
}

test('as many as allowed in any minute, and each has its place again a minute later', () => {
  const { clock, ask } = start()
  expect([1, 2, 3, 4].map(() => ask('key', 3))).toEqual([0, 0, 0, 60])
  clock.at += 20_000
  expect(ask('key', 3)).toBe(40)
  clock.at += 40_000
  expect([1, 2, 3, 4].map(() => ask('key', 3))).toEqual([0, 0, 0, 60])
})

test('a refused request does not count, and keys do not know each other', () => {
  const { clock, ask } = start()
  ask('key', 1)
  clock.at += 59_999
  expect(ask('key', 1)).toBe(0.001)
  expect(ask('other', 1)).toBe(0)
  clock.at += 1
  expect(ask('key', 1)).toBe(0)
})

test('a limit that changes holds for what was before', () => {
  const { clock, ask } = start()
  for (let index = 0; index < 5; index += 1) {
    expect(ask('key', 5)).toBe(0)
    clock.at += 1000
  }
  expect(ask('key', 2)).toBe(58)
  clock.at += 58_000
  expect([1, 2].map(() => ask('key', 2))).toEqual([0, 1])
  expect([1, 2, 3, 4].map(() => ask('key', 5))).toEqual([0, 0, 0, 1])
})

test('a clock that is set back locks nobody out', () => {
  const { clock, ask } = start()
  ask('key', 1)
  clock.at -= 3_600_000
  expect(ask('key', 1)).toBe(0)
})
