import { expect, test } from 'vitest'
import { ACCOUNT_STRATEGIES, type AccountStrategy } from '../../../contract/account.ts'
import { firstOf, hybridScore, payCredit, type Standing } from './strategy.ts'

const MINUTE = 60_000
const NOW = 1_000_000_000

const standing = (id: string, differences: Partial<Standing> = {}): Standing => ({
  id,
  used: 0,
  limit: 10,
  lastUsedAt: undefined,
  weight: 1,
  priority: 0,
  mark: { turn: 0, credit: 0 },
  ...differences,
})

/** The ids in the order in which they would be asked. */
function order(strategy: AccountStrategy, accounts: readonly Standing[], last?: string): string {
  const left = [...accounts]
  const ids: string[] = []
  for (let first = firstOf(strategy, left, { now: NOW, last }); first; ) {
    ids.push(first.id)
    left.splice(left.indexOf(first), 1)
    first = firstOf(strategy, left, { now: NOW, last })
  }
  return ids.join(' ')
}

/** Who is chosen, so many times one after the other, where each choice uses one picture. */
function choices(strategy: AccountStrategy, accounts: Standing[], count: number): string {
  const ids: string[] = []
  let last: string | undefined
  for (let turn = 1; turn <= count; turn += 1) {
    const able = accounts.filter(({ used, limit = Number.POSITIVE_INFINITY }) => used < limit)
    const chosen = firstOf(strategy, able, { now: NOW, last })
    if (chosen === undefined) break
    if (strategy === 'weighted') payCredit(able, chosen)
    chosen.used += 1
    chosen.lastUsedAt = NOW
    chosen.mark.turn = turn
    last = chosen.id
    ids.push(chosen.id)
  }
  return ids.join('')
}

const three = (differences: Record<string, Partial<Standing>> = {}) =>
  ['a', 'b', 'c'].map((id) => standing(id, differences[id]))

test.each<[AccountStrategy, string, Standing[], string | undefined, string]>([
  ['round_robin', 'goes on after the last one', three(), 'a', 'b c a'],
  ['round_robin', 'begins again after the last of all', three(), 'c', 'a b c'],
  ['round_robin', 'goes on where the last one is gone', [standing('a'), standing('c')], 'b', 'c a'],
  ['least_used', 'asks who has used least', three({ a: { used: 2 }, c: { used: 1 } }), 'a', 'b c a'],
  [
    'least_used',
    'of the same use, who has rested longest',
    three({ a: { lastUsedAt: NOW - 1 }, b: { lastUsedAt: NOW - 2 }, c: { lastUsedAt: NOW - 3 } }),
    undefined,
    'c b a',
  ],
  [
    'least_recent',
    'asks who was never used, then who has rested longest',
    three({ a: { lastUsedAt: NOW - 1 }, b: { lastUsedAt: NOW - 2 } }),
    undefined,
    'c b a',
  ],
  ['weighted', 'begins with the heaviest', three({ b: { weight: 5 }, c: { weight: 2 } }), undefined, 'b c a'],
  [
    'priority',
    'asks the highest priority first, then in their order',
    three({ c: { priority: 1 }, b: { priority: -1 } }),
    'c',
    'c a b',
  ],
  [
    'hybrid',
    'asks who has most left, if all have rested as long',
    three({ a: { used: 3 }, b: { used: 1 }, c: { used: 2 } }),
    undefined,
    'b c a',
  ],
  [
    'hybrid',
    'prefers who has rested',
    three({
      a: { used: 0, lastUsedAt: NOW },
      b: { used: 5, lastUsedAt: NOW - 20 * MINUTE },
      c: { used: 9, lastUsedAt: NOW - 100 * MINUTE },
    }),
    undefined,
    'b c a',
  ],
])('%s %s', (strategy, _, accounts, last, expected) => {
  expect(order(strategy, accounts, last)).toBe(expected)
})

test.each<[AccountStrategy, string, Standing[], string]>([
  ['round_robin', 'takes turns', three(), 'abcabcabc'],
  ['least_used', 'fills evenly', three({ a: { used: 2 } }), 'bcbcabcab'],
  ['least_recent', 'takes turns within one millisecond too', three(), 'abcabcabc'],
  ['priority', 'fills one before the next', three({ a: { limit: 3 }, b: { limit: 4 } }), 'aaabbbbcc'],
  ['hybrid', 'fills evenly while all are busy', three(), 'abcabcabc'],
])('%s %s', (strategy, _, accounts, expected) => {
  expect(choices(strategy, accounts, 9)).toBe(expected)
})

test('weighted chooses each as often as its weight says, and well mixed', () => {
  const limit = 1000
  const accounts = three({ a: { weight: 3, limit }, b: { weight: 2, limit }, c: { limit } })
  const chosen = choices('weighted', accounts, 60)
  const count = (id: string) => [...chosen].filter((one) => one === id).length
  expect([count('a'), count('b'), count('c')]).toEqual([30, 20, 10])
  expect(chosen).not.toMatch(/aaa|bb|cc/)
})

test('the hybrid score is what is left, up to eleven times as much after a rest', () => {
  const score = (used: number, minutes: number | undefined, limit: number | undefined = 10) =>
    hybridScore({ limit, used, lastUsedAt: minutes === undefined ? undefined : NOW - minutes * MINUTE }, NOW)
  expect(score(4, 0)).toBe(6)
  expect(score(4, 10)).toBe(12)
  expect(score(4, 100)).toBe(66)
  expect(score(4, 100_000)).toBe(66)
  expect(score(4, undefined)).toBe(66)
  expect(score(10, undefined)).toBe(0)
  // A clock that went back.
  expect(score(4, -5)).toBe(6)
})

test('every strategy chooses among one and none', () => {
  for (const strategy of ACCOUNT_STRATEGIES) {
    expect(order(strategy, [standing('a')])).toBe('a')
    expect(firstOf(strategy, [], { now: NOW })).toBeUndefined()
  }
})
