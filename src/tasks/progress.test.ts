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

test('a running task can be cancelled, another or an ended one cannot', () => {
  const cancellations = createCancellations()
  const signal = cancellations.signalFor('a')
  expect(cancellations.signalFor('a')).toBe(signal)
  expect(cancellations.cancel('b')).toBe(false)
  expect(signal.aborted).toBe(false)
  expect(cancellations.cancel('a')).toBe(true)
  expect(signal.aborted).toBe(true)
  cancellations.forget('a')
  expect(cancellations.cancel('a')).toBe(false)
  expect(cancellations.signalFor('a').aborted).toBe(false)
})
