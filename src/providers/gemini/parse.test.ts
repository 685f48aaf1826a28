import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createOutgoing, type Outgoing } from '../../base/http.ts'
import { openSpoolDirectory, type SpoolDirectory } from '../../bytes/spool.ts'
import { Spooled } from '../../bytes/spooled.ts'
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

const USAGE = {
  type: 'usage',
  usage: {
    input_tokens: 10,
    output_tokens: 1345,
    total_tokens: 1355,
    input_tokens_details: { text_tokens: 10 },
    output_tokens_details: { image_tokens: 1120, reasoning_tokens: 225 },
  },
}

describe('pictures', () => {
  const picture = 'image/png 1×1'
  const golden: Record<string, unknown[]> = {
    picture: [
      { type: 'text', text: 'Here it is' },
      { type: 'image', index: 0, picture, signature: 'sig1' },
      USAGE,
    ],
    'picture-snake': [
      { type: 'image', index: 0, picture, signature: 'sig1' },
      { type: 'usage', usage: { input_tokens: 3, output_tokens: 1290, total_tokens: 1293 } },
    ],
    'two-pictures': [
      { type: 'text', text: 'One' },
      { type: 'image', index: 0, picture },
      { type: 'text', text: 'Two' },
      { type: 'image', index: 1, picture },
      USAGE,
    ],
    'picture-in-text': [
      { type: 'text', text: '![image](' },
      { type: 'image', index: 0, picture },
      { type: 'text', text: ')' },
      USAGE,
    ],
    stream: [{ type: 'text', text: 'Here' }, { type: 'image', index: 0, picture, signature: 'sig1' }, USAGE],
    'stream-list': [{ type: 'text', text: 'Here' }, { type: 'image', index: 0, picture }, USAGE],
  }
  test.each(Object.entries(golden))('%s', async (name, expected) => {
    expect((await parse(name)).map(readable)).toEqual(expected)
  })

  test('drafts are shown where they are wanted, and never more', async () => {
    const draft = { type: 'partial', index: 0, picture, partialIndex: 0 }
    expect((await parse('stream', 2)).map(readable)[0]).toEqual(draft)
    expect((await parse('picture', 1)).map(readable)[0]).toEqual(draft)
  })
})

const MODERATED = { kind: 'moderation', maybePaid: true, code: undefined }
const EMPTY = { kind: 'no_image', maybePaid: true }
const REFUSED = { kind: 'moderation', maybePaid: false, code: undefined }

const failures: Record<string, Record<string, unknown>> = {
  'thoughts-only': EMPTY,
  'text-only': { ...EMPTY, detail: expect.stringContaining('The model says: I can only describe a cat.') },
  'stopped-empty': { ...EMPTY, detail: expect.stringContaining('stopped without a picture') },
  nothing: EMPTY,
  'blocked-prohibited': { ...REFUSED, detail: expect.stringContaining('PROHIBITED_CONTENT') },
  'blocked-message': {
    ...REFUSED,
    detail: expect.stringMatching(/names: dangerous content\. Google says: Try another animal\./),
  },
  'blocked-unknown': { ...REFUSED, detail: expect.stringContaining('NEW_REASON') },
  'finish-image-safety': { ...MODERATED, detail: expect.stringContaining('IMAGE_SAFETY') },
  'finish-image-prohibited-content': MODERATED,
  'finish-image-recitation': { ...MODERATED, detail: expect.stringContaining('existing work') },
  'finish-no-image': EMPTY,
  'finish-safety': MODERATED,
  'finish-prohibited-content': MODERATED,
  'finish-recitation': MODERATED,
  'finish-max-tokens': { ...EMPTY, detail: expect.stringContaining('maxOutputTokens') },
  'finish-other': EMPTY,
  'finish-blocklist': MODERATED,
  'finish-spii': { ...MODERATED, detail: expect.stringContaining('personal data') },
  'finish-language': { ...EMPTY, param: 'prompt' },
  'finish-malformed-function-call': EMPTY,
  'finish-message': { ...MODERATED, detail: expect.stringContaining('Unable to show the generated image.') },
  'finish-unknown': { ...EMPTY, detail: expect.stringContaining('SOMETHING_NEW') },
  'finish-unknown-filter': MODERATED,
  'stream-error': { kind: 'overloaded', maybePaid: false },
  'stream-blocked': REFUSED,
  'error-key': { kind: 'auth' },
  'error-key-in-words': { kind: 'auth' },
  'error-location': { kind: 'auth', detail: expect.stringContaining('PROXY_URL') },
  'error-billing': { kind: 'quota' },
  'error-signature': { kind: 'bad_param', param: 'image', detail: expect.stringContaining('new reference') },
  'error-field': { kind: 'bad_param', param: 'generation_config', code: 'INVALID_ARGUMENT' },
  'error-value': { kind: 'bad_param', param: 'generation_config.image_config.aspect_ratio' },
  'error-safety-settings': { kind: 'bad_param', param: 'safety_settings[0].threshold' },
  'error-policy': { kind: 'moderation', maybePaid: false },
  'error-unauthenticated': { kind: 'auth' },
  'error-forbidden': { kind: 'auth' },
  'error-model': { kind: 'bad_param', param: 'model', code: 'model_not_found' },
  'error-large': { kind: 'bad_param' },
  'error-minute': { kind: 'rate', retryAfter: 27, code: 'RESOURCE_EXHAUSTED' },
  'error-minute-fraction': { kind: 'rate', retryAfter: 28 },
  'error-minute-words': { kind: 'rate', retryAfter: 46 },
  'error-day': { kind: 'quota', retryAfter: undefined },
  'error-zero': { kind: 'quota', retryAfter: undefined },
  'error-rate-plain': { kind: 'rate', retryAfter: undefined },
  'error-rate-header': { kind: 'rate', retryAfter: 7 },
  'error-array': { kind: 'rate', retryAfter: 3 },
  'error-nested': { kind: 'rate', retryAfter: 9 },
  'error-internal': { kind: 'upstream_bug', maybePaid: false },
  'error-overloaded': { kind: 'overloaded', maybePaid: false },
  'error-deadline': { kind: 'timeout', maybePaid: true },
  'error-in-200': { kind: 'overloaded', maybePaid: false },
  'error-in-200-unknown': { kind: 'upstream_bug', maybePaid: true, detail: 'something broke' },
  'page-200': { kind: 'upstream_bug', maybePaid: true, detail: 'a web page titled "Welcome to nginx!"' },
  'page-404': { kind: 'upstream_bug', maybePaid: false },
  'page-502': { kind: 'overloaded', detail: 'a web page titled "502 Bad Gateway"' },
}

describe('answers without a picture', () => {
  test.each(Object.entries(failures))('%s', async (name, expected) => {
    const error = await parse(name).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ProviderError)
    expect(error).toMatchObject(expected)
    expect(String(error)).not.toContain(SECRET)
    expect(String(error).length).toBeGreaterThan(20)
  })

  test('what was used is told before the failure', async () => {
    const events: ImageEvent[] = []
    await expect(parse('finish-image-safety', 0, events)).rejects.toBeInstanceOf(ProviderError)
    expect(events).toEqual([USAGE])
  })
})

test('every reply has its test', async () => {
  const names = (await readdir(new URL('replies', import.meta.url))).map((name) => name.replace('.json', ''))
  const pictures = ['picture', 'picture-snake', 'two-pictures', 'picture-in-text', 'stream', 'stream-list']
  expect(names.sort()).toEqual([...pictures, ...Object.keys(failures)].sort())
})

const SECRET = 'AIzaSyA-very-secret-key-000000'

async function parse(name: string, previews = 0, events: ImageEvent[] = []): Promise<ImageEvent[]> {
  const fixture = JSON.parse(await readFile(new URL(`replies/${name}.json`, import.meta.url), 'utf8'))
  const text = typeof fixture.body === 'string' ? fixture.body : JSON.stringify(fixture.body)
  const reply = { status: fixture.status, headers: fixture.headers, body: pieces(text), discard: () => {} }
  await using spool = spools.scope()
  const context = { account: { id: 'a', secret: SECRET }, http, spool, signal: new AbortController().signal }
  for await (const event of parseReply(reply, previews, context)) events.push(event)
  return events
}

function readable(event: ImageEvent): Record<string, unknown> {
  if (!('picture' in event)) return event
  const { mime, width, height } = event.picture
  expect(event.picture).toBeInstanceOf(Spooled)
  return { ...event, picture: `${mime} ${width}×${height}` }
}

/** Small pieces, as a slow network brings them. */
async function* pieces(text: string): AsyncIterable<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += 37) yield bytes.subarray(at, at + 37)
}
