import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createOutgoing, type Outgoing } from '../../base/http.ts'
import { openSpoolDirectory, type SpoolDirectory } from '../../bytes/spool.ts'
import type { ImageEvent } from '../provider.ts'
import { ProviderError } from '../provider-error.ts'
import { parseReply } from './parse.ts'

let folder: string
let spools: SpoolDirectory
let http: Outgoing
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pictor-parse-'))
  spools = await openSpoolDirectory(folder)
  http = createOutgoing({ userAgent: 'pictor-test' })
})
afterAll(async () => {
  await http.close()
  await rm(folder, { recursive: true })
})

test('base64 comes with what the upstream says about it', async () => {
  const [image, usage, ...rest] = await parse('gpt-image')
  expect(image).toMatchObject({
    type: 'image',
    index: 0,
    picture: { mime: 'image/png', width: 1, height: 1 },
    details: { size: '1024x1024', quality: 'low', background: 'opaque', output_format: 'png' },
  })
  expect(usage).toMatchObject({ type: 'usage', usage: { total_tokens: 1066, input_tokens: 10 } })
  expect(rest).toEqual([])
})

test('a revised prompt comes along, an empty one does not', async () => {
  expect(await parse('dall-e-3-revised')).toMatchObject([{ revisedPrompt: 'A small and adorable cat' }])
  expect((await parse('xai'))[0]).not.toHaveProperty('revisedPrompt')
})

test.each([
  'data-url-in-url',
  'b64-with-data-prefix',
  'openrouter-images',
  'relay-images-list',
  'chat-body',
  'stream-whole-answer',
])('a picture is found in %s, and its type is that of its bytes', async (name) => {
  const images = (await parse(name)).filter(({ type }) => type === 'image')
  expect(images).toMatchObject([{ picture: { mime: 'image/png', width: 1, height: 1 } }])
})

test('the cost that xAI states is kept', async () => {
  expect(await parse('xai')).toContainEqual({ type: 'usage', usage: { cost_in_usd_ticks: 200_000_000 } })
})

test('a picture that was withheld does not cost the other', async () => {
  expect((await parse('xai-moderated')).map(({ type }) => type)).toEqual(['image', 'blocked', 'usage'])
})

test('a stream gives previews and the picture', async () => {
  const events = await parse('stream')
  expect(events.map(({ type }) => type)).toEqual(['partial', 'partial', 'image', 'usage'])
  expect(events[1]).toMatchObject({ index: 0, partialIndex: 1, picture: { width: 1 } })
  expect(events[2]).toMatchObject({ details: { quality: 'low' } })
})

test('previews after the picture are dropped', async () => {
  expect((await parse('stream-final-first')).map(({ type }) => type)).toEqual(['partial', 'image', 'usage'])
})

test('a stream of an edit, ended with [DONE]', async () => {
  expect((await parse('stream-edit-done')).map(({ type }) => type)).toEqual(['partial', 'image', 'usage'])
})

test.each([
  ['empty-data', { kind: 'no_image', maybePaid: true }],
  ['stream-empty', { kind: 'no_image', maybePaid: true }],
  [
    'error-unknown-parameter',
    { kind: 'bad_param', param: 'response_format', code: 'unknown_parameter', maybePaid: false },
  ],
  ['error-invalid-value', { kind: 'bad_param', param: 'size' }],
  ['error-moderation', { kind: 'moderation', code: 'moderation_blocked', maybePaid: false }],
  ['error-content-policy', { kind: 'moderation' }],
  ['error-moderation-403', { kind: 'moderation' }],
  ['error-key', { kind: 'auth', code: 'invalid_api_key' }],
  ['error-forbidden', { kind: 'auth' }],
  ['error-model', { kind: 'bad_param', param: 'model', code: 'model_not_found' }],
  ['error-rate', { kind: 'rate', retryAfter: 7 }],
  ['error-rate-words', { kind: 'rate', retryAfter: 63 }],
  ['error-rate-reset', { kind: 'rate', retryAfter: 90 }],
  ['error-quota', { kind: 'quota', code: 'insufficient_quota', retryAfter: undefined }],
  ['error-server', { kind: 'upstream_bug', maybePaid: false }],
  ['error-overloaded', { kind: 'overloaded' }],
  ['error-new-api', { kind: 'overloaded', code: undefined, param: undefined }],
  ['error-new-api-quota', { kind: 'quota' }],
  ['error-upstream-number', { kind: 'upstream_bug', code: '500' }],
  ['error-xai', { kind: 'bad_param', detail: 'Argument not supported: size' }],
  ['error-xai-bare', { kind: 'bad_param' }],
  ['error-xai-timeout-in-200', { kind: 'timeout', maybePaid: true }],
  ['error-in-200', { kind: 'upstream_bug', maybePaid: true, detail: 'something broke' }],
  ['error-overloaded-in-200', { kind: 'overloaded', maybePaid: false }],
  ['error-fastapi', { kind: 'bad_param', detail: expect.stringContaining('not a valid integer') }],
  ['error-google-array', { kind: 'rate' }],
  ['stream-error', { kind: 'moderation' }],
  ['stream-error-data', { kind: 'overloaded' }],
  ['page-200', { kind: 'upstream_bug', detail: 'a web page titled "Welcome to nginx!"', maybePaid: true }],
  ['page-404', { kind: 'upstream_bug', maybePaid: false }],
  ['page-502', { kind: 'overloaded', detail: 'a web page titled "502 Bad Gateway"' }],
  ['page-524', { kind: 'timeout', maybePaid: true }],
])('%s', async (name, expected) => {
  const error = await parse(name).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ProviderError)
  expect(error).toMatchObject(expected)
  expect(String(error)).not.toContain(SECRET)
})

test('a date in Retry-After becomes seconds', async () => {
  const inHalfAMinute = new Date(Date.now() + 30_000).toUTCString()
  const error = await parse('error-rate', { 'retry-after': inHalfAMinute }).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ retryAfter: expect.toSatisfy((seconds) => seconds > 25 && seconds <= 30) })
})

const SECRET = 'sk-very-secret-key-000000'

async function parse(name: string, headers: Record<string, string> = {}): Promise<ImageEvent[]> {
  const fixture = JSON.parse(await readFile(new URL(`replies/${name}.json`, import.meta.url), 'utf8'))
  const text = typeof fixture.body === 'string' ? fixture.body : JSON.stringify(fixture.body)
  const reply = {
    status: fixture.status,
    headers: { ...fixture.headers, ...headers },
    body: pieces(text),
    discard: () => {},
  }
  await using spool = spools.scope()
  const context = { account: { id: 'a', secret: SECRET }, http, spool, signal: new AbortController().signal }
  const upstream = { baseUrl: 'https://upstream.invalid/v1', timeout: 1000, trust: 'operator' as const }
  return await Array.fromAsync(parseReply(reply, upstream, context))
}

/** Small pieces, as a slow network brings them. */
async function* pieces(text: string): AsyncIterable<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += 37) yield bytes.subarray(at, at + 37)
}
