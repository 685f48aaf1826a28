import { expect, test } from 'vitest'
import { dayIn, endOfDay, monthIn } from './day.ts'

const at = (iso: string) => Date.parse(iso)

test.each([
  ['UTC', '2026-03-28T23:59:59.999Z', '2026-03-28', '2026-03-29T00:00:00Z'],
  ['UTC', '2026-03-29T00:00:00Z', '2026-03-29', '2026-03-30T00:00:00Z'],
  ['Asia/Shanghai', '2025-12-31T15:59:59Z', '2025-12-31', '2025-12-31T16:00:00Z'],
  ['Asia/Shanghai', '2025-12-31T16:00:00Z', '2026-01-01', '2026-01-01T16:00:00Z'],
  // A day of 23 hours and one of 25.
  ['Europe/Berlin', '2026-03-28T23:00:00Z', '2026-03-29', '2026-03-29T22:00:00Z'],
  ['Europe/Berlin', '2026-10-24T22:00:00Z', '2026-10-25', '2026-10-25T23:00:00Z'],
  // The clocks go forward at midnight, so the day begins at one.
  ['America/Santiago', '2026-09-06T03:59:59Z', '2026-09-05', '2026-09-06T04:00:00Z'],
  ['America/Santiago', '2026-09-06T04:00:00Z', '2026-09-06', '2026-09-07T03:00:00Z'],
  // They go back at midnight, so the last hour of the day comes twice.
  ['America/Santiago', '2026-04-05T03:30:00Z', '2026-04-04', '2026-04-05T04:00:00Z'],
  // A day that was left out.
  ['Pacific/Apia', '2011-12-30T09:59:59Z', '2011-12-29', '2011-12-30T10:00:00Z'],
  ['Pacific/Apia', '2011-12-30T10:00:00Z', '2011-12-31', '2011-12-31T10:00:00Z'],
  ['Asia/Kathmandu', '2026-02-28T18:15:00Z', '2026-03-01', '2026-03-01T18:15:00Z'],
])('in %s it is at %s the day %s, until %s', (timeZone, now, day, end) => {
  expect(dayIn(timeZone, at(now))).toBe(day)
  expect(monthIn(timeZone, at(now))).toBe(day.slice(0, 7))
  expect(new Date(endOfDay(timeZone, at(now))).toISOString()).toBe(new Date(end).toISOString())
})

test('the time may go back, and zones do not get mixed up', () => {
  expect(dayIn('UTC', at('2026-05-02T00:00:00Z'))).toBe('2026-05-02')
  expect(dayIn('UTC', at('2026-05-01T23:59:59Z'))).toBe('2026-05-01')
  expect(dayIn('Asia/Tokyo', at('2026-05-01T23:59:59Z'))).toBe('2026-05-02')
  expect(dayIn('UTC', at('2026-05-01T23:59:59Z'))).toBe('2026-05-01')
  expect(endOfDay('UTC', at('2026-05-01T23:59:59Z'))).toBe(at('2026-05-02T00:00:00Z'))
})
