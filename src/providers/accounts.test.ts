import { expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { accountsFor, createAccounts } from './accounts.ts'
import { ProviderError } from './provider-error.ts'

const failure = new ProviderError('auth', { detail: 'refused' })
const NEVER = () => new AbortController().signal

/** Lets everything run that can. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

test('accounts are numbered, and an upstream without keys has one', () => {
  expect(accountsFor('gemini', ['a', 'b'])).toEqual([
    { id: 'gemini:1', secret: 'a' },
    { id: 'gemini:2', secret: 'b' },
  ])
  expect(accountsFor('gemini', [])).toEqual([{ id: 'gemini:1', secret: '' }])
})

test('keys of callers without number do not push out an account that rests', () => {
  const accounts = createAccounts({ clock: systemClock, concurrency: 0 })
  const [resting] = accountsFor('gemini', ['a'])
  if (resting) accounts.rest(resting, 'model', { duration: 60_000, soft: false, failure })
  for (let index = 0; index < 25_000; index += 1) {
    expect(accounts.ready([{ id: `own:${index}`, secret: 'x', brought: true }], 'model')).toHaveLength(1)
  }
  expect(accounts.ready(accountsFor('gemini', ['a']), 'model')).toEqual([])
  expect(accounts.refusal(accountsFor('gemini', ['a']), 'model')?.failure).toBe(failure)
})

test('an account has no more calls than it may; the others are asked first, then one waits', async () => {
  const accounts = createAccounts({ clock: systemClock, concurrency: 1 })
  const both = accountsFor('gemini', ['a', 'b'])
  const firstOf = () => accounts.ready(both, 'model')[0] ?? { id: '', secret: '' }
  const one = firstOf()
  const leaveOne = await accounts.enter(one, 'model', NEVER)
  const other = firstOf()
  expect(other.id).not.toBe(one.id)
  const leaveOther = await accounts.enter(other, 'another model', NEVER)

  const entered: number[] = []
  const waiting = [1, 2].map((number) =>
    accounts.enter(one, 'model', NEVER).then((leave) => {
      entered.push(number)
      return leave
    }),
  )
  const leaving = new AbortController()
  const left = accounts.enter(one, 'model', () => leaving.signal)
  leaving.abort(new Error('gone'))
  await expect(left).rejects.toThrow('gone')
  await settle()
  expect(entered).toEqual([])
  leaveOther()
  leaveOne()
  const leaveFirst = await waiting[0]
  await settle()
  expect(entered).toEqual([1])
  leaveFirst?.()
  expect(await waiting[1]).toBeTypeOf('function')
})
