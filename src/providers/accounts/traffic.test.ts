import { expect, test } from 'vitest'
import { createTraffic } from './traffic.ts'

const NEVER = () => new AbortController().signal

/** Lets everything run that can. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

test('an account has no more calls than it may; more wait in their order, and may leave', async () => {
  const traffic = createTraffic(1)
  expect(traffic.isFull('a')).toBe(false)
  const leave = await traffic.enter('a', NEVER)
  expect([traffic.isFull('a'), traffic.isFull('b')]).toEqual([true, false])
  const leaveOther = await traffic.enter('b', NEVER)

  const entered: number[] = []
  const waiting = [1, 2].map((number) =>
    traffic.enter('a', NEVER).then((end) => {
      entered.push(number)
      return end
    }),
  )
  const leaving = new AbortController()
  const left = traffic.enter('a', () => leaving.signal)
  leaving.abort(new Error('gone'))
  await expect(left).rejects.toThrow('gone')
  await settle()
  expect(entered).toEqual([])
  leaveOther()
  leave()
  const leaveFirst = await waiting[0]
  await settle()
  expect(entered).toEqual([1])
  leaveFirst?.()
  expect(await waiting[1]).toBeTypeOf('function')
})

test('without a limit nobody waits', async () => {
  const traffic = createTraffic(0)
  await Promise.all(Array.from({ length: 100 }, () => traffic.enter('a', NEVER)))
  expect(traffic.isFull('a')).toBe(false)
})
