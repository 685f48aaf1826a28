import { expect, test } from 'vitest'
import { accountsFor } from './accounts-for.ts'

test('accounts are numbered, and an upstream without keys has one', () => {
  expect(accountsFor('gemini', ['a', 'b'])).toEqual([
    { id: 'gemini:1', secret: 'a' },
    { id: 'gemini:2', secret: 'b' },
  ])
  expect(accountsFor('gemini', [])).toEqual([{ id: 'gemini:1', secret: '' }])
})
