import { expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { accountsFor, createAccounts } from './accounts.ts'
import { createDemoProvider } from './demo/demo-provider.ts'
import { ProviderError } from './provider-error.ts'

const providerWith = (id: string) => ({ ...createDemoProvider(), accounts: [{ id, secret: '' }] })
const failure = new ProviderError('auth', { detail: 'refused' })

test('keys of callers without number do not push out an account that rests', () => {
  const accounts = createAccounts(systemClock)
  const resting = providerWith('own:resting')
  for (const account of resting.accounts)
    accounts.rest(account, 'model', { duration: 60_000, soft: false, failure })
  for (let index = 0; index < 25_000; index += 1) {
    expect(accounts.ready(providerWith(`own:${index}`), 'model')).toHaveLength(1)
  }
  expect(accounts.ready(resting, 'model')).toEqual([])
  expect(accounts.refusal(resting, 'model')?.failure).toBe(failure)
})

test('accounts are numbered, and an upstream without keys has one', () => {
  expect(accountsFor('gemini', ['a', 'b'])).toEqual([
    { id: 'gemini:1', secret: 'a' },
    { id: 'gemini:2', secret: 'b' },
  ])
  expect(accountsFor('gemini', [])).toEqual([{ id: 'gemini:1', secret: '' }])
})
