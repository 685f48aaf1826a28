import { expect, test } from 'vitest'
import { AppError } from '../base/error.ts'
import { ProviderError, type ProviderErrorKind } from '../providers/provider-error.ts'
import { asClientError, FAILURE_RULES, mayGoOn, toClientError, toProviderError } from './failure.ts'

test.each<[ProviderErrorKind, number, boolean]>([
  ['auth', 502, true],
  ['quota', 429, true],
  ['rate', 429, true],
  ['moderation', 400, false],
  ['bad_param', 400, false],
  ['no_image', 502, false],
  ['overloaded', 502, true],
  ['timeout', 504, true],
  ['network', 502, true],
  ['upstream_bug', 502, true],
])('%s is %i for the client, and others are asked: %s', (kind, status, goesOn) => {
  const failure = new ProviderError(kind, { detail: 'so it said.' })
  expect(toClientError(failure).row.status).toBe(status)
  expect(toClientError(failure).cause).toBe(failure)
  expect(mayGoOn(failure)).toBe(goesOn)
  expect(mayGoOn(new ProviderError(kind, { detail: '', maybePaid: true }))).toBe(false)
})

test('only what certainly was not carried out is asked of the same account again', () => {
  const again = Object.entries(FAILURE_RULES).filter(([, rule]) => rule.retryHere)
  expect(again.map(([kind]) => kind)).toEqual(['overloaded', 'network'])
})

test('the field, the wait and a moderation code reach the client; other codes of the upstream do not', () => {
  const blamed = toClientError(new ProviderError('bad_param', { detail: 'no.', param: 'size', code: 'x' }))
  expect(blamed).toMatchObject({ code: 'invalid_value', param: 'size', upstreamCode: undefined })
  expect(blamed.message).toBe("Invalid value for 'size': no.")
  const unnamed = toClientError(new ProviderError('bad_param', { detail: 'no.' }))
  expect(unnamed).toMatchObject({ param: undefined, message: "Invalid value for 'request': no." })
  expect(toClientError(new ProviderError('rate', { detail: '', retryAfter: 7 }))).toMatchObject({
    retryAfter: 7,
  })
  const blocked = new ProviderError('moderation', { detail: '', code: 'moderation_blocked' })
  expect(toClientError(blocked)).toMatchObject({ upstreamCode: 'moderation_blocked' })
})

test('what is nobody’s failure but ours stays what it is', () => {
  const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' })
  expect(toProviderError(full)).toBeUndefined()
  expect(asClientError(full)).toMatchObject({ code: 'insufficient_storage' })
  const sqliteFull = Object.assign(new Error('database or disk is full'), {
    code: 'ERR_SQLITE_ERROR',
    errcode: 13,
  })
  expect(asClientError(sqliteFull)).toMatchObject({ code: 'insufficient_storage' })
  const own = new AppError('job_cancelled')
  expect(asClientError(own)).toBe(own)
  expect(asClientError(new TypeError('x of undefined'))).toMatchObject({ code: 'server_error' })
  const slow = toProviderError(new DOMException('slow', 'TimeoutError'))
  expect(slow).toMatchObject({ kind: 'timeout', maybePaid: true })
})
