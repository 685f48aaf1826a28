import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ImageJob } from '../../../contract/job.ts'
import { startFakeOpenAi } from '../../../test/upstreams/openai.ts'
import type { ChatBehaviourName } from '../../../test/upstreams/openai-chat.ts'
import { SIGNATURE } from '../../../test/upstreams/openai-chat-dialects.ts'
import { whole } from '../../../test/upstreams/pictures.ts'
import type { Spooled } from '../../bytes/spooled.ts'
import { providerConformance } from '../conformance.ts'
import type { ImageEvent, Inputs } from '../provider.ts'
import { createOpenAiProvider } from './openai-provider.ts'
import { KEY, openTestUpstream, type TestUpstream } from './testing.ts'

for (const model of ['gemini-2.5-flash-image', 'google/gemini-3-pro-image', 'gpt-4o-image']) {
  providerConformance(`openai with ${model}`, async () => {
    const fake = await startFakeOpenAi({ apiKey: KEY })
    fake.models = [model]
    const behave = (name: ChatBehaviourName) => () => fake.behave(model, name)
    const failures: ChatBehaviourName[] = [
      ...([
        '401',
        '429-quota',
        '500',
        'html-200',
        'html-502',
        'moderation-400',
        'not-json',
        'reset',
      ] as const),
      ...(['chat-cut', 'chat-error-mid', 'chat-error-in-200', 'chat-choice-error', 'chat-text'] as const),
      ...(['chat-filtered', 'chat-empty', 'chat-refusal', 'chat-tools'] as const),
    ]
    return {
      provider: createOpenAiProvider({ name: 'fake', baseUrl: fake.url, apiKeys: [KEY], timeout: 10_000 }),
      model,
      slowDown: behave('hang'),
      failures: Object.fromEntries(failures.map((name) => [name, behave(name)])),
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
  for (const list of [bench.fake.requests, bench.fake.painted, bench.fake.downloads]) list.length = 0
})
afterAll(() => bench?.[Symbol.asyncDispose]())

const MODEL = 'gemini-3-pro-image'

describe('whatever dialect the answer is in, its pictures are found', () => {
  const dialects: ChatBehaviourName[] = [
    ...([
      'chat-images',
      'chat-signed',
      'chat-image-links',
      'chat-markdown',
      'chat-bare',
      'chat-parts',
    ] as const),
    ...(['chat-blocks', 'chat-url', 'chat-link', 'chat-links', 'chat-markdown-url', 'chat-base64'] as const),
    ...(['chat-data', 'chat-data-url', 'chat-think', 'chat-reasoning', 'chat-comments'] as const),
  ]
  for (const name of dialects) {
    for (const form of ['json', 'stream'] as const) {
      test.each([1, 3])(`${name}, ${form}, %i`, async (pictures) => {
        bench.fake.behave('*', { name, form, pictures, side: 64, after: 'Do you like it?' })
        const events = await run()
        expect(sums(imagesIn(events))).toEqual(painted())
        expect(imagesIn(events).map(({ index }) => index)).toEqual(painted().map((_, index) => index))
      })
    }
  }

  test.each([1, 7, 333])('in deltas of %i characters', async (piece) => {
    bench.fake.behave('*', {
      name: 'chat-markdown',
      form: 'stream',
      piece,
      pictures: 2,
      side: 8,
      after: 'Well?',
    })
    expect(sums(imagesIn(await run()))).toEqual(painted())
  })

  test.each(['json', 'stream'] as const)('large ones, %s', async (form) => {
    bench.fake.behave('*', { name: 'chat-markdown', form, bytes: 2_000_000, pictures: 2 })
    expect(sums(imagesIn(await run()))).toEqual(painted())
  })

  test.each(['json', 'stream'] as const)('a draft among the thoughts is none, %s', async (form) => {
    bench.fake.behave('*', { name: 'chat-think-picture', form })
    expect(sums(imagesIn(await run()))).toEqual(painted().slice(1))
  })

  test('with what the model wants back', async () => {
    bench.fake.behave('*', { name: 'chat-signed', pictures: 2 })
    const signatures = imagesIn(await run()).map(({ signature }) => signature)
    expect(signatures).toEqual([`${SIGNATURE}0`, `${SIGNATURE}1`])
  })

  test('and what it cost, in the names of the images API', async () => {
    const details = { image_tokens: 1120, reasoning_tokens: 225, text_tokens: 0 }
    expect((await run()).at(-1)).toEqual({
      type: 'usage',
      usage: { input_tokens: 10, output_tokens: 1345, total_tokens: 1355, output_tokens_details: details },
    })
  })
})

describe('an answer without a picture', () => {
  test.each<[ChatBehaviourName, object]>([
    ['chat-refusal', { kind: 'no_image', detail: 'the model answered in words: I cannot draw that.' }],
    ['chat-empty', { kind: 'no_image' }],
    ['chat-tools', { kind: 'no_image' }],
    ['chat-filtered', { kind: 'moderation', code: 'content_filter' }],
    ['chat-error-in-200', { kind: 'overloaded' }],
    ['chat-error-mid', { kind: 'overloaded' }],
    ['chat-choice-error', { kind: 'overloaded' }],
  ])('%s', async (name, expected) => {
    for (const form of ['json', 'stream'] as const) {
      bench.fake.behave('*', { name, form })
      await expect(run()).rejects.toMatchObject({ name: 'ProviderError', ...expected })
    }
  })

  test('a picture before the connection broke is delivered', async () => {
    bench.fake.behave('*', { name: 'chat-cut', form: 'stream', pictures: 4, bytes: 100_000 })
    const images: ImageEvent[] = []
    const failing = async () => {
      for await (const event of start()) if (event.type === 'image') images.push(event)
    }
    await expect(failing()).rejects.toMatchObject({ kind: 'network', maybePaid: true })
    expect(images.length).toBeGreaterThan(0)
  })
})

describe('requests', () => {
  test('a picture is asked for with both modalities and its shape', async () => {
    await run({ size: '2048x1152', user: 'me' })
    expect(bench.fake.requests[0]).toMatchObject({ path: '/v1/chat/completions' })
    expect(bench.fake.requests[0]?.body).toEqual({
      model: MODEL,
      messages: [{ role: 'user', content: 'a cat' }],
      modalities: ['image', 'text'],
      image_config: { aspect_ratio: '16:9', image_size: '2K' },
      user: 'me',
    })
  })

  test('a model with one tier is asked for the shape only', async () => {
    await run({ aspectRatio: '3:4', model: 'gemini-2.5-flash-image' })
    expect(bench.fake.requests[0]?.body.image_config).toEqual({ aspect_ratio: '3:4' })
  })

  test('references go as data URLs, each as it is', async () => {
    const references = imagesIn(await run({ size: '64x64' })).concat(imagesIn(await run({ size: '32x32' })))
    bench.fake.requests.length = 0
    await run({ kind: 'edit', prompt: 'make it white' }, { images: references.map(({ picture }) => picture) })
    const [request] = bench.fake.requests
    expect(request?.body.messages).toMatchObject([
      {
        content: [{ type: 'text', text: 'make it white' }, { type: 'image_url' }, { type: 'image_url' }],
      },
    ])
    expect(request?.pictures.map(({ sha256 }) => sha256)).toEqual(sums(references))
  })

  test('n is so many calls, and what is lost is said', () => {
    const wishes = { n: 3, seed: 7, quality: 'high', size: '1000x333' }
    const { calls, warnings } = plan(wishes)
    expect(calls.map(({ images }) => images)).toEqual([1, 1, 1])
    expect(warnings.map(({ param }) => param).sort()).toEqual(['quality', 'seed', 'size'])
  })

  test('a model that only talks is not asked to draw', () => {
    expect(() => plan({ model: 'gpt-4o' })).toThrow(/gpt-4o does not draw/)
  })

  test('a gateway that does not know the extensions is asked without them', async () => {
    bench.fake.behave('*', ['chat-400-modalities', 'chat-images'])
    expect(imagesIn(await run({ aspectRatio: '1:1' }))).toHaveLength(1)
    const [first, second] = bench.fake.requests.map(({ body }) => Object.keys(body))
    expect(first).toEqual(['model', 'messages', 'modalities', 'image_config'])
    expect(second).toEqual(['model', 'messages'])
  })
})

function plan(wishes: Partial<ImageJob> = {}, inputs: Partial<Inputs> = {}) {
  const model = wishes.model ?? MODEL
  const job: ImageJob = { kind: 'generate', model, prompt: 'a cat', n: 1, dialect: 'openai', ...wishes }
  return bench.makeProvider().plan({ job, model, inputs: { images: [], ...inputs } })
}

function start(...wishes: Parameters<typeof plan>): AsyncIterable<ImageEvent> {
  const [call] = plan(...wishes).calls
  if (call === undefined) throw new Error('nothing to do')
  return bench.makeProvider().run(call, bench.context())
}

async function run(...wishes: Parameters<typeof plan>): Promise<ImageEvent[]> {
  return await Array.fromAsync(start(...wishes))
}

function imagesIn(events: readonly ImageEvent[]) {
  return events.filter((event) => event.type === 'image')
}

function sums(images: readonly { picture: Spooled }[]): string[] {
  return images.map(({ picture }) => picture.sha256)
}

/** What the upstream drew, in its order. */
function painted(): string[] {
  return bench.fake.painted.map((picture) => createHash('sha256').update(whole(picture)).digest('hex'))
}
