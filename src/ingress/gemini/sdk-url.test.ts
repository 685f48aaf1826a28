import { expect, test } from 'vitest'
import { geminiUrl } from './sdk-url.ts'

const GOOGLE = { 'x-goog-api-key': 'k' }

test.each([
  ['/v1/models/a/b:generateContent', {}, '/v1beta/models/a/b:generateContent'],
  ['/v1/models/a:streamGenerateContent?alt=sse', {}, '/v1beta/models/a:streamGenerateContent?alt=sse'],
  ['/v1/models', GOOGLE, '/v1beta/models'],
  ['/v1/models?pageSize=1', GOOGLE, '/v1beta/models?pageSize=1'],
  ['/v1/models/a', GOOGLE, '/v1beta/models/a'],
  ['/v1/models/a', {}, '/v1/models/a'],
  ['/v1/models/a?x=:predict', {}, '/v1/models/a?x=:predict'],
  ['/v1/modelsx', GOOGLE, '/v1/modelsx'],
  ['/v1/images/generations', GOOGLE, '/v1/images/generations'],
  ['/v1beta/models', GOOGLE, '/v1beta/models'],
])('%s with %j goes to %s', (url, headers, expected) => {
  expect(geminiUrl(url, headers)).toBe(expected)
})
