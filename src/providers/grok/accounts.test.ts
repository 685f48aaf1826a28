import { expect, test } from 'vitest'
import { accountsIn } from './accounts.ts'

test('one account for each token, with an id that stays and does not tell', () => {
  const accounts = accountsIn('# mine\n\nfirst.token\r\n  sso=second-token;\nfirst.token\n#third\n')
  expect(accounts.map(({ secret }) => secret)).toEqual(['first.token', 'second-token'])
  const ids = accounts.map(({ id }) => id)
  expect(ids).toEqual([
    expect.stringMatching(/^grok:[\da-f]{12}$/),
    expect.stringMatching(/^grok:[\da-f]{12}$/),
  ])
  expect(new Set(ids).size).toBe(2)
  expect(accountsIn('second-token\nfirst.token').map(({ id }) => id)).toEqual(ids.toReversed())
  expect(accountsIn('')).toEqual([])
})

test.each(['a token', 'a;b', 'tökën', 'a"b', 'a,b'])(
  '%s cannot stand in a cookie, and is not repeated',
  (token) => {
    expect(() => accountsIn(`fine\n${token}`)).toThrow(/^line 2 is not a session token$/)
  },
)
