import { expect, test } from 'vitest'
import { createCancellations } from './cancellations.ts'
import { createProgress, type TaskEvent } from './progress.ts'

async function all(events: AsyncIterable<TaskEvent>): Promise<TaskEvent[]> {
  return Array.fromAsync(events)
}

test('every listener hears what happens from its call on, in order, until the end', async () => {
  const progress = createProgress()
  progress.publish('a', { type: 'progress', percent: 1 })
  const first = progress.listen('a')
  progress.publish('a', { type: 'progress', percent: 2 })
  const second = progress.listen('a')
  progress.publish('b', { type: 'progress', percent: 99 })
  progress.publish('a', { type: 'progress', percent: 3 })
  progress.publish('a', { type: 'finished' })
  progress.publish('a', { type: 'progress', percent: 4 })
  const [two, three, end] = [
    { type: 'progress', percent: 2 },
    { type: 'progress', percent: 3 },
    { type: 'finished' },
  ] as const
  expect(await all(first)).toEqual([two, three, end])
  expect(await all(second)).toEqual([three, end])
})

test('a signal ends the listening', async () => {
  const progress = createProgress()
  const leaving = new AbortController()
  const events = progress.listen('a', leaving.signal)
  leaving.abort()
  await expect(all(events)).rejects.toMatchObject({ name: 'AbortError' })
})

test('a running task can be stopped in two ways, another or an ended one cannot', () => {
  const cancellations = createCancellations()
  const signals = cancellations.signalsFor('a')
  expect(cancellations.signalsFor('a')).toEqual(signals)
  expect(cancellations.stop('b', 'cancelled')).toBe(false)
  expect(cancellations.stop('a', 'halted')).toBe(true)
  expect([signals.cancelled.aborted, signals.halted.aborted]).toEqual([false, true])
  expect(cancellations.stop('a', 'cancelled')).toBe(true)
  expect(signals.cancelled.aborted).toBe(true)
  cancellations.forget('a')
  expect(cancellations.stop('a', 'cancelled')).toBe(false)
  expect(cancellations.signalsFor('a').cancelled.aborted).toBe(false)
})
