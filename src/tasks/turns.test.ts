import { expect, test } from 'vitest'
import { createTurns } from './turns.ts'

const NEVER = new AbortController().signal

/** Lets everything run that can. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

test('tasks take turns, whatever their size and however late they come', async () => {
  const turns = createTurns(1)
  const order: string[] = []
  const perform = async (task: string) => {
    const release = await turns.take(task, NEVER)
    order.push(task)
    await settle()
    release()
  }
  const first = Array.from({ length: 6 }, () => perform('large'))
  await settle()
  const later = [perform('small'), perform('other'), perform('small')]
  await Promise.all([...first, ...later])
  expect(order).toHaveLength(9)
  expect(order.lastIndexOf('small')).toBeLessThan(7)
  expect(order.indexOf('other')).toBeLessThanOrEqual(4)
  expect(order.slice(-2)).toEqual(['large', 'large'])
})

test('no more work than there are places, and every place is used', async () => {
  const turns = createTurns(3)
  let [running, most] = [0, 0]
  await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const release = await turns.take(`task ${index % 4}`, NEVER)
      running += 1
      most = Math.max(most, running)
      await settle()
      running -= 1
      release()
      release()
    }),
  )
  expect(most).toBe(3)
})

test('who leaves while waiting takes nothing along', async () => {
  const turns = createTurns(1)
  const release = await turns.take('a', NEVER)
  const leaving = new AbortController()
  const left = turns.take('b', leaving.signal)
  const stays = turns.take('c', NEVER)
  leaving.abort(new Error('gone'))
  await expect(left).rejects.toThrow('gone')
  await expect(turns.take('b', leaving.signal)).rejects.toThrow('gone')
  release()
  const second = await stays
  second()
  const third = await turns.take('d', NEVER)
  third()
})
