import { expect, test } from 'vitest'
import { dayIn, endOfDay, endOfMonth, monthIn } from './day.ts'

const HOUR = 3_600_000
const at = (text: string): number => Date.parse(text)

test('a day and a month are those of the zone', () => {
  const now = at('2026-10-31T23:30:00Z')
  expect(dayIn('UTC', now)).toBe('2026-10-31')
  expect(dayIn('Asia/Shanghai', now)).toBe('2026-11-01')
  expect(monthIn('Asia/Shanghai', now)).toBe('2026-11')
  expect(monthIn('America/New_York', now)).toBe('2026-10')
  expect(dayIn('Asia/Kathmandu', at('2026-10-31T18:14:59.999Z'))).toBe('2026-10-31')
  expect(dayIn('Asia/Kathmandu', at('2026-10-31T18:15:00Z'))).toBe('2026-11-01')
})

test.each([
  ['UTC', '2026-11-24T00:00:00Z', 24],
  // The clocks go forward and back.
  ['Europe/Berlin', '2026-03-28T23:00:00Z', 23],
  ['Europe/Berlin', '2026-10-24T22:00:00Z', 25],
  ['America/New_York', '2026-11-01T04:00:00Z', 25],
  // Here they do so at midnight: that day begins at one, the other one has its last hour twice.
  ['America/Santiago', '2026-09-06T04:00:00Z', 23],
  ['America/Santiago', '2026-04-04T03:00:00Z', 25],
])('in %s the day that begins at %s has %i hours', (zone, text, hours) => {
  const start = at(text)
  const day = dayIn(zone, start)
  expect(dayIn(zone, start - 1)).not.toBe(day)
  for (const now of [start, start + 1, start + hours * HOUR - 1]) {
    expect(dayIn(zone, now)).toBe(day)
    expect(endOfDay(zone, now)).toBe(start + hours * HOUR)
  }
  expect(dayIn(zone, start + hours * HOUR)).not.toBe(day)
})

test('a month ends where the next one begins, whatever the clocks do in between', () => {
  expect(endOfMonth('UTC', at('2026-02-01T00:00:00Z'))).toBe(at('2026-03-01T00:00:00Z'))
  expect(endOfMonth('UTC', at('2026-12-31T23:59:59.999Z'))).toBe(at('2027-01-01T00:00:00Z'))
  expect(endOfMonth('Europe/Berlin', at('2026-10-01T00:00:00Z'))).toBe(at('2026-10-31T23:00:00Z'))
  expect(endOfMonth('Europe/Berlin', at('2026-03-31T21:59:59Z'))).toBe(at('2026-03-31T22:00:00Z'))
})

test('going back in time is no matter', () => {
  const [late, early] = [at('2026-11-24T12:00:00Z'), at('2026-11-23T12:00:00Z')]
  expect([late, early, late].map((now) => dayIn('UTC', now))).toEqual([
    '2026-11-24',
    '2026-11-23',
    '2026-11-24',
  ])
})
