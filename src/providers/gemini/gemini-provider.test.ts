import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ImageJob } from '../../../contract/job.ts'
import { startFakeGemini } from '../../../test/upstreams/gemini.ts'
import {
  BLOCK_REASONS,
  FINISH_REASONS,
  type GeminiBehaviourName,
  SIGNATURE,
} from '../../../test/upstreams/gemini-behaviours.ts'
import { whole } from '../../../test/upstreams/pictures.ts'
import type { Spooled } from '../../bytes/spooled.ts'
import { providerConformance } from '../conformance.ts'
import type { ImageEvent, Inputs } from '../provider.ts'
import { ProviderError } from '../provider-error.ts'
import { withVersion } from './base-url.ts'
import { createGeminiProvider } from './gemini-provider.ts'
import { KEY, openTestUpstream, type TestUpstream } from './testing.ts'

const FAILURES: GeminiBehaviourName[] = [
  ...(['400-key', '400-location', '400-billing', '400-field', '400-signature', '400-policy', '401'] as const),
  ...(['403', '404-model', '413', '429-minute', '429-day', '429-zero', '429-plain', '500', '503'] as const),
  ...([
    '504',
    'error-array',
    'error-in-200',
    'html-200',
    'html-404',
    'html-502',
    'not-json',
    'reset',
  ] as const),
  ...(['cut', 'sse-error', 'sse-ends-early', 'empty', 'text-only', 'thoughts-only', 'half-broken'] as const),
  ...(['bomb-png', 'truncated-png'] as const),
  ...FINISH_REASONS.map((reason) => `finish-${reason}` as const),
  ...BLOCK_REASONS.map((reason) => `block-${reason}` as const),
]

for (const model of ['gemini-2.5-flash-image', 'gemini-3-pro-image', 'gemini-3.1-flash-image']) {
  providerConformance(`gemini with ${model}`, async () => {
    const fake = await startFakeGemini({ apiKey: KEY })
    const behave = (name: GeminiBehaviourName) => () => fake.behave(model, name)
    return {
      provider: createGeminiProvider({ name: 'fake', baseUrl: fake.url, apiKeys: [KEY], timeout: 10_000 }),
      model,
      foreignDialect: 'openai',
      slowDown: behave('hang'),
      failures: Object.fromEntries(FAILURES.map((name) => [name, behave(name)])),
      close: fake.close,
    }
  })
}

let bench: TestUpstream
beforeAll(async () => {
  bench = await openTestUpstream()
})
afterEach(() => {
  bench.fake.behave('*', 'auto')
  for (const list of [bench.fake.requests, bench.fake.painted]) list.length = 0
})
afterAll(() => bench?.[Symbol.asyncDispose]())

const MODEL = 'gemini-3-pro-image'

describe('answers', () => {
  test.each<GeminiBehaviourName>([
    ...([
      'picture',
      'signed',
      'jpeg',
      'wrong-mime',
      'markdown',
      'list',
      'sse-whatever',
      'json-whatever',
    ] as const),
    'sse-done',
  ])('%s holds a picture, asked for at once or as a stream', async (name) => {
    bench.fake.behave('*', name)
    for (const partialImages of [0, 2]) {
      bench.fake.painted.length = 0
      expect(sums(imagesIn(await run({ partialImages })))).toEqual(painted())
    }
  })

  test('two pictures in one answer, each with its own signature', async () => {
    bench.fake.behave('*', 'two-pictures')
    expect(imagesIn(await run())).toMatchObject([
      { index: 0, signature: `${SIGNATURE}0` },
      { index: 1, signature: `${SIGNATURE}1` },
    ])
  })

  test('snake case, where the draft is no picture', async () => {
    bench.fake.behave('*', 'snake')
    const events = await run()
    expect(sums(imagesIn(events))).toEqual(painted().slice(1))
    expect(imagesIn(events)).toMatchObject([{ signature: SIGNATURE }])
    expect(events.at(-1)).toMatchObject({ type: 'usage', usage: { output_tokens: 1120 } })
  })

  test('large ones go to files', async () => {
    bench.fake.behave('*', { name: 'thoughts', bytes: 3_000_000 })
    for (const partialImages of [0, 2]) {
      const events = await run({ partialImages })
      expect(events.filter(({ type }) => type === 'partial')).toHaveLength(partialImages)
      expect(imagesIn(events)).toMatchObject([{ picture: { complete: true, mime: 'image/png' } }])
      expect(imagesIn(events)[0]?.picture.bytes).toBeGreaterThanOrEqual(3_000_000)
    }
  })

  test('the type is that of the bytes, whatever the label', async () => {
    bench.fake.behave('*', 'wrong-mime')
    expect(imagesIn(await run())).toMatchObject([{ picture: { mime: 'image/jpeg' } }])
  })

  test('a picture that cannot be read does not lose the other', async () => {
    bench.fake.behave('*', 'half-broken')
    const events: ImageEvent[] = []
    await expect(run({}, undefined, events)).rejects.toMatchObject({ kind: 'upstream_bug', maybePaid: true })
    expect(imagesIn(events)).toHaveLength(1)
  })

  test('drafts of a picture that was withheld are not given out as pictures', async () => {
    bench.fake.behave('*', 'thoughts-only')
    const events: ImageEvent[] = []
    await expect(run({}, undefined, events)).rejects.toMatchObject({ kind: 'moderation' })
    expect(events.filter(({ type }) => type === 'partial' || type === 'image')).toEqual([])
  })

  test('a stream that breaks off', async () => {
    bench.fake.behave('*', 'cut')
    await expect(run({ partialImages: 1 })).rejects.toBeInstanceOf(ProviderError)
    await expect(run()).rejects.toMatchObject({ kind: 'network', maybePaid: true })
  })
})

describe('what is sent', () => {
  test('the key in a header, never in the address', async () => {
    await run({ partialImages: 1 })
    const [request] = bench.fake.requests
    expect(request?.headers['x-goog-api-key']).toBe(KEY)
    expect(request?.headers.authorization).toBeUndefined()
    expect(request?.path).toBe(`/v1beta/models/${MODEL}:streamGenerateContent?alt=sse`)
  })

  test('references in their order before the words, and what belongs to them', async () => {
    const [first] = imagesIn(await run())
    bench.fake.behave('*', 'jpeg')
    const [second] = imagesIn(await run())
    if (first === undefined || second === undefined) throw new Error('no pictures')
    bench.fake.behave('*', 'auto')
    bench.fake.requests.length = 0
    const images = [second.picture, first.picture]
    const signatures = new Map([[first.picture.sha256, SIGNATURE]])
    await run({ kind: 'edit', prompt: 'both in the snow' }, { images, signatures })
    const [request] = bench.fake.requests
    expect(request?.pictures.map(({ sha256, type }) => [sha256, type])).toEqual([
      [second.picture.sha256, 'image/jpeg'],
      [first.picture.sha256, 'image/png'],
    ])
    const sent = JSON.stringify(request?.body.contents, (_name, value) =>
      typeof value === 'string' && value.length > 100 ? '…' : value,
    )
    expect(JSON.parse(sent)).toEqual([
      {
        role: 'user',
        parts: [
          { inlineData: { mimeType: 'image/jpeg', data: '…' } },
          { inlineData: { mimeType: 'image/png', data: '…' }, thoughtSignature: SIGNATURE },
          { text: 'both in the snow' },
        ],
      },
    ])
  })

  test.each([
    ['https://host.example', 'https://host.example/v1beta'],
    ['https://host.example//', 'https://host.example/v1beta'],
    ['https://host.example/v1beta/', 'https://host.example/v1beta'],
    ['https://host.example/v1', 'https://host.example/v1'],
    ['https://host.example/gemini/v1alpha', 'https://host.example/gemini/v1alpha'],
    ['https://host.example/gemini', 'https://host.example/gemini/v1beta'],
  ])('a base of %s becomes %s', (given, expected) => {
    expect(withVersion(given)).toBe(expected)
  })

  test('a base without a version reaches the upstream', async () => {
    const provider = bench.makeProvider({ baseUrl: `${bench.fake.origin}/` })
    const { calls } = provider.plan({ job: job(), model: `models/${MODEL}`, inputs: { images: [] } })
    for (const call of calls) await Array.fromAsync(provider.run(call, bench.context()))
    expect(bench.fake.requests[0]?.path).toBe(`/v1beta/models/${MODEL}:generateContent`)
  })

  test('an address that must be public is not, and nothing is sent', async () => {
    const provider = bench.makeProvider({ trust: 'guarded' })
    const [call] = provider.plan({ job: job(), model: MODEL, inputs: { images: [] } }).calls
    if (call === undefined) throw new Error('no call')
    const events = Array.fromAsync(provider.run(call, bench.context()))
    await expect(events).rejects.toMatchObject({ kind: 'upstream_bug', maybePaid: false })
    await expect(provider.discover?.(bench.context())).rejects.toBeInstanceOf(ProviderError)
    expect(bench.fake.requests).toEqual([])
  })
})

describe('models', () => {
  test('before anybody asked: those that Google is known to have, and likely names', () => {
    const provider = bench.makeProvider()
    expect(provider.models().map(({ id }) => id)).toContain('gemini-2.5-flash-image')
    for (const name of ['gemini-9-ultra-image', 'nano-banana-pro', 'models/gemini-2.5-flash-image'])
      expect(provider.serves(name)).toBe(true)
    for (const name of ['gemini-2.5-flash', 'gpt-image-1', 'imagen-4.0-generate-001', 'demo'])
      expect(provider.serves(name)).toBe(false)
  })

  test('afterwards those that draw, of all pages, ours first', async () => {
    bench.fake.models = [
      'gemini-2.5-flash',
      'gemini-2.5-flash-image',
      'gemini-9-flash-image',
      { name: 'models/gemini-image-embedding', supportedGenerationMethods: ['embedContent'] },
      { name: 'models/imagen-4.0-generate-001', supportedGenerationMethods: ['predict'] },
      'gemini-3-pro-image',
      'nano-banana-pro-preview',
    ]
    bench.fake.pageSize = 2
    const provider = bench.makeProvider()
    await provider.discover?.(bench.context())
    expect(provider.models().map(({ id }) => id)).toEqual([
      ...['gemini-3-pro-image', 'gemini-2.5-flash-image', 'gemini-9-flash-image', 'nano-banana-pro-preview'],
    ])
    expect(bench.fake.requests).toHaveLength(4)
    expect(provider.serves('gemini-8-image')).toBe(false)
  })

  test('pages without an end come to one', async () => {
    bench.fake.models = Array.from({ length: 30 }, (_, index) => `gemini-${index}-image`)
    bench.fake.pageSize = 1
    const provider = bench.makeProvider()
    await provider.discover?.(bench.context())
    expect(bench.fake.requests).toHaveLength(10)
    expect(provider.models()).toHaveLength(10)
  })

  test('a failure leaves the list as it was', async () => {
    bench.fake.models = undefined
    const provider = bench.makeProvider()
    await expect(provider.discover?.(bench.context())).rejects.toBeInstanceOf(ProviderError)
    expect(provider.serves('gemini-2.5-flash-image')).toBe(true)
  })
})

function job(wishes: Partial<ImageJob> = {}): ImageJob {
  return { kind: 'generate', model: MODEL, prompt: 'a red fox', n: 1, dialect: 'openai', ...wishes }
}

async function run(
  wishes: Partial<ImageJob> = {},
  inputs: Inputs = { images: [] },
  events: ImageEvent[] = [],
): Promise<ImageEvent[]> {
  const provider = bench.makeProvider()
  for (const call of provider.plan({ job: job(wishes), model: MODEL, inputs }).calls) {
    for await (const event of provider.run(call, bench.context())) events.push(event)
  }
  return events
}

function imagesIn(events: readonly ImageEvent[]) {
  return events.filter((event) => event.type === 'image')
}

function sums(images: readonly { picture: Spooled }[]): string[] {
  return images.map(({ picture }) => picture.sha256)
}

function painted(): string[] {
  return bench.fake.painted.map((picture) => createHash('sha256').update(whole(picture)).digest('hex'))
}
