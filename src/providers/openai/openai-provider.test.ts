import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ImageJob } from '../../../contract/job.ts'
import { type FakeOpenAi, startFakeOpenAi } from '../../../test/upstreams/openai.ts'
import type { BehaviourName } from '../../../test/upstreams/openai-behaviours.ts'
import { createOutgoing, type Outgoing } from '../../base/http.ts'
import { openSpoolDirectory, type Spool, type SpoolDirectory } from '../../bytes/spool.ts'
import { providerConformance } from '../conformance.ts'
import { firstAccount } from '../conformance-bench.ts'
import type { ImageEvent, Inputs, ModelInfo, Provider } from '../provider.ts'
import { ProviderError } from '../provider-error.ts'
import { createOpenAiProvider, type OpenAiConfig } from './openai-provider.ts'

const KEY = 'sk-a-key-that-must-not-be-seen-1234'

for (const model of [
  'gpt-image-1.5',
  'gpt-image-2',
  'grok-imagine-image',
  'dall-e-2',
  'some-relay/flux-image',
]) {
  providerConformance(`openai with ${model}`, async () => {
    const fake = await startFakeOpenAi({ apiKey: KEY })
    fake.models = [model]
    const behave = (name: BehaviourName) => () => fake.behave(model, name)
    const failures: BehaviourName[] = [
      '401',
      '403',
      '429-quota',
      '429-retry-after',
      '500',
      'bad-base64',
      'bomb-png',
      'cut',
      'empty-data',
      'error-in-200',
      'html-200',
      'html-502',
      'moderation-400',
      'new-api-error',
      'not-json',
      'reset',
      'sse-cut',
      'sse-ends-early',
      'sse-error',
      'svg',
      'truncated-png',
      'url-html',
      'url-other-origin',
      'xai-error-in-200',
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

let folder: string
let spools: SpoolDirectory
let spool: Spool
let http: Outgoing
let fake: FakeOpenAi
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pictor-openai-'))
  spools = await openSpoolDirectory(folder)
  spool = spools.scope()
  http = createOutgoing({ userAgent: 'pictor-test' })
  fake = await startFakeOpenAi()
})
afterEach(() => {
  fake.behave('*', 'auto')
  fake.requests.length = 0
  fake.downloads.length = 0
})
afterAll(async () => {
  await spool[Symbol.asyncDispose]()
  await http.close()
  await fake.close()
  await rm(folder, { recursive: true })
})

describe('answers', () => {
  test('an answer announces itself before it is read', async () => {
    fake.behave('*', { name: 'b64', over: 200 })
    const [first] = await Array.fromAsync(start())
    expect(first).toEqual({ type: 'arriving' })
    fake.behave('*', '500')
    await expect(start()[Symbol.asyncIterator]().next()).rejects.toBeInstanceOf(ProviderError)
  })

  test('leaving an answer unread closes its connection', async () => {
    fake.behave('*', { name: 'b64', bytes: 2_000_000, over: 2_000 })
    for await (const { type } of start()) {
      expect(type).toBe('arriving')
      break
    }
    expect(await fake.requests[0]?.finished).toBe('aborted')
  })

  test.each<BehaviourName>([
    'b64',
    'url',
    'url-wrong-mime',
    'url-needs-key',
    'data-url',
    'b64-data-prefix',
    'both-b64-and-url',
    'xai',
    'gzip',
    'br',
    'chat-body',
    'json-asked-sse-answered',
    'sse-done',
  ])('%s holds a picture', async (name) => {
    fake.behave('*', name)
    const images = (await run()).filter(({ type }) => type === 'image')
    expect(images).toMatchObject([{ picture: { width: 1024, height: 1024, complete: true } }])
  })

  test('the type is that of the bytes, whatever the label', async () => {
    fake.behave('*', 'wrong-mime')
    expect(await run()).toMatchObject([{ picture: { mime: 'image/jpeg' } }])
  })

  test('asked for a stream, answered with JSON', async () => {
    fake.behave('*', 'stream-asked-json-answered')
    expect(await run({ partialImages: 2 })).toMatchObject([{ type: 'image' }])
    expect(fake.requests[0]?.body).toMatchObject({ stream: true, partial_images: 2, n: 1 })
  })

  test('of four pictures two are withheld', async () => {
    fake.behave('*', 'xai-half-moderated')
    const events = await run({ n: 4 })
    expect(events.map(({ type }) => type)).toEqual(['image', 'blocked', 'image', 'blocked'])
    expect(events).toMatchObject([{ index: 0 }, {}, { index: 2 }, {}])
  })

  test('a withheld picture is no error', async () => {
    fake.behave('*', 'xai-moderated')
    expect((await run()).map(({ type }) => type)).toEqual(['blocked', 'usage'])
  })

  test('links are asked for without the key, and with it only when refused', async () => {
    fake.behave('*', 'url')
    expect(await run({ n: 3 })).toHaveLength(3)
    expect(fake.downloads).toEqual([undefined, undefined, undefined])
    fake.behave('*', 'url-needs-key')
    await run()
    expect(fake.downloads.slice(3)).toEqual([undefined, `Bearer ${KEY}`])
  })

  test('a link to another origin is guarded', async () => {
    fake.behave('*', 'url-other-origin')
    await expect(run()).rejects.toMatchObject({ kind: 'upstream_bug', maybePaid: true })
    await using open = createOutgoingUntilEnd({ isAllowed: () => true })
    expect(await run({}, {}, { http: open.http })).toMatchObject([{ type: 'image' }])
  })

  test('a link that is dead is tried again, and the picture is not made again', async () => {
    fake.behave('*', 'url-gone')
    await expect(run()).rejects.toMatchObject({
      kind: 'network',
      maybePaid: true,
      detail: expect.stringContaining('404'),
    })
    expect(fake.downloads.length).toBeGreaterThan(1)
    expect(fake.requests).toHaveLength(1)
  })
})

describe('failures', () => {
  test.each<[BehaviourName, object]>([
    ['cut', { kind: 'network', maybePaid: true }],
    ['sse-cut', { kind: 'network', maybePaid: true }],
    ['reset', { kind: 'network', maybePaid: true }],
    ['truncated-png', { kind: 'upstream_bug', maybePaid: true }],
    ['bomb-png', { kind: 'upstream_bug', maybePaid: true }],
    ['svg', { kind: 'upstream_bug', maybePaid: true }],
    ['bad-base64', { kind: 'upstream_bug', maybePaid: true }],
    ['not-json', { kind: 'upstream_bug', maybePaid: true }],
    ['no-data', { kind: 'no_image', maybePaid: true }],
    ['url-html', { kind: 'upstream_bug', maybePaid: true }],
    ['401', { kind: 'auth', maybePaid: false }],
    ['429-date', { kind: 'rate', maybePaid: false }],
    ['html-524', { kind: 'timeout', maybePaid: true }],
  ])('%s', async (name, expected) => {
    fake.behave('*', name)
    await expect(run()).rejects.toMatchObject({ name: 'ProviderError', ...expected })
  })

  test('nothing stays of an answer that was cut', async () => {
    await using own = spools.scope()
    const before = (await files()).length
    fake.behave('*', { name: 'cut', bytes: 2_000_000 })
    await expect(run({}, {}, { spool: own })).rejects.toBeInstanceOf(ProviderError)
    await own[Symbol.asyncDispose]()
    expect(await files()).toHaveLength(before)
  })

  test('an upstream that is slower than the timeout', async () => {
    fake.behave('*', 'hang')
    const config = { timeout: 60 }
    await expect(run({}, {}, { config })).rejects.toMatchObject({ kind: 'timeout', maybePaid: true })
  })

  test('an upstream that is not there was not asked', async () => {
    const config = { baseUrl: `http://127.0.0.1:${await unusedPort()}/v1` }
    await expect(run({}, {}, { config })).rejects.toMatchObject({ kind: 'network', maybePaid: false })
  })

  test('an abort closes the connection to the upstream', async () => {
    fake.behave('*', 'hang')
    const controller = new AbortController()
    const result = expect(run({}, {}, { signal: controller.signal })).rejects.toMatchObject({
      name: 'AbortError',
    })
    await fake.received(1)
    controller.abort()
    await result
    expect(await fake.requests[0]?.finished).toBe('aborted')
  })

  test('a good picture is delivered before the failure of the other', async () => {
    fake.behave('*', 'half-broken')
    const events: ImageEvent[] = []
    const failing = async () => {
      for await (const event of start({ n: 2 })) if (event.type === 'image') events.push(event)
    }
    await expect(failing()).rejects.toMatchObject({ kind: 'upstream_bug' })
    expect(events).toMatchObject([{ type: 'image', index: 1 }])
  })
})

describe('requests', () => {
  test('a generation is JSON with the key', async () => {
    await run({ size: '1536x1024', quality: 'high', outputFormat: 'webp', outputCompression: 80, n: 2 })
    const [request] = fake.requests
    expect(request).toMatchObject({
      method: 'POST',
      path: '/v1/images/generations',
      headers: {
        authorization: `Bearer ${KEY}`,
        'content-type': 'application/json',
        accept: 'application/json',
      },
    })
    expect(request?.body).toEqual({
      model: 'gpt-image-1.5',
      prompt: 'a cat',
      n: 2,
      size: '1536x1024',
      quality: 'high',
      output_format: 'webp',
      output_compression: 80,
    })
  })

  test('an edit with one picture is a form with `image`', async () => {
    const [picture, mask] = [await draw(), await draw()]
    await run({ kind: 'edit', inputFidelity: 'high' }, { images: [picture], mask })
    const [request] = fake.requests.slice(-1)
    expect(request?.path).toBe('/v1/images/edits')
    expect(Number(request?.headers['content-length'])).toBeGreaterThan(picture.bytes + mask.bytes)
    expect(request?.body).toEqual({ model: 'gpt-image-1.5', prompt: 'a cat', n: '1', input_fidelity: 'high' })
    expect(request?.files).toMatchObject([
      { field: 'image', filename: 'image.png', type: 'image/png' },
      { field: 'mask', filename: 'mask.png', type: 'image/png' },
    ])
    expect(request?.files[0]?.bytes.equals(await readFile(picture.path))).toBe(true)
  })

  test('an edit with several pictures repeats `image[]`', async () => {
    await run({ kind: 'edit' }, { images: [await draw(), await draw(), await draw()] })
    expect(fake.requests.at(-1)?.files.map(({ field }) => field)).toEqual(['image[]', 'image[]', 'image[]'])
  })

  test('an edit that is refused as a form is sent as JSON', async () => {
    const picture = await draw()
    fake.requests.length = 0
    await run({ kind: 'edit', model: 'grok-imagine-image' }, { images: [picture] })
    expect(fake.requests.map(({ headers }) => headers['content-type']?.split(';')[0])).toEqual([
      'multipart/form-data',
      'application/json',
    ])
    const base64 = await readFile(picture.path, 'base64')
    expect(fake.requests[1]?.body).toMatchObject({
      image: { type: 'image_url', url: `data:image/png;base64,${base64}` },
      response_format: 'b64_json',
    })
  })

  test('a relay that does not know response_format is asked without it', async () => {
    fake.behave('*', ['400-unknown-parameter', 'b64'])
    await run({ model: 'my-image-model' })
    expect(fake.requests.map(({ body }) => body.response_format)).toEqual(['b64_json', undefined])
  })

  test('a refusal that has nothing to do with the form is not sent again', async () => {
    fake.behave('*', '400-invalid-value')
    await expect(run({ model: 'my-image-model' })).rejects.toMatchObject({ kind: 'bad_param', param: 'size' })
    expect(fake.requests).toHaveLength(1)
  })

  test('a variation of dall-e-2', async () => {
    await run(
      { kind: 'variation', model: 'dall-e-2', prompt: '', size: '512x512' },
      { images: [await draw()] },
    )
    const [request] = fake.requests.slice(-1)
    expect(request?.path).toBe('/v1/images/variations')
    expect(request?.body).toEqual({ model: 'dall-e-2', n: '1', size: '512x512', response_format: 'b64_json' })
    expect(request?.files).toHaveLength(1)
  })
})

describe('an address that did not come from the operator', () => {
  const provider = () => {
    const config = { name: 'fake', baseUrl: fake.url, apiKeys: [KEY], timeout: 10_000 }
    return createOpenAiProvider({ ...config, trust: 'guarded' })
  }
  const context = (opened: Outgoing) => ({
    account: { id: 'fake:1', secret: KEY },
    ...{ http: opened, spool, signal: new AbortController().signal },
  })
  const callFor = (model: string) => {
    const job: ImageJob = { kind: 'generate', model, prompt: 'a fox', n: 1, dialect: 'openai' }
    const [call] = provider().plan({ job, model, inputs: { images: [] } }).calls
    if (call === undefined) throw new Error('no call')
    return call
  }

  test('is never called when it is a private one', async () => {
    const own = context(http)
    for (const model of ['gpt-image-1', 'gemini-3-pro-image'])
      await expect(Array.fromAsync(provider().run(callFor(model), own))).rejects.toMatchObject({
        kind: 'upstream_bug',
        maybePaid: false,
      })
    const chat = { model: 'gpt-4o', body: { messages: [] } }
    await expect(provider().chat?.(chat, own)).rejects.toMatchObject({ maybePaid: false })
    await expect(provider().discover?.(own)).rejects.toBeInstanceOf(ProviderError)
    expect(fake.requests).toEqual([])
  })

  test('is looked at again for the links that it gives', async () => {
    fake.behave('*', 'url')
    const checked: string[] = []
    const isAllowed = (address: string) => checked.push(address) > 0
    const opened = createOutgoing({ userAgent: 'pictor-test', isAllowed })
    await Array.fromAsync(provider().run(callFor('dall-e-2'), context(opened)))
    await opened.close()
    expect(fake.downloads).toHaveLength(1)
    // Once for the address of the call, once for its connection, and once more for the link.
    expect(checked.length).toBeGreaterThanOrEqual(3)
  })
})

describe('models', () => {
  test('all of them are found, and what they are by what the list says or by their names', async () => {
    fake.models = [
      'gpt-4o',
      'gpt-image-1.5',
      'text-embedding-3',
      'black-forest/flux-2',
      { id: 'google/gemini-x', architecture: { output_modalities: ['text', 'image'] } },
      { id: 'vendor/image-reader', architecture: { output_modalities: ['text'] } },
      { id: 'vendor/speaker', output_modalities: ['audio'] },
    ]
    const provider = makeProvider()
    await discover(provider)
    expect(kindsOf(provider)).toEqual({
      'gpt-4o': 'chat',
      'gpt-image-1.5': 'image that draws',
      'black-forest/flux-2': 'image that draws',
      'google/gemini-x': 'chat that draws',
      'vendor/image-reader': 'chat',
    })
    expect(provider.serves('gpt-image-1.5')).toBe(true)
    expect(provider.serves('gpt-image-1')).toBe(false)
    // Not offered, since it can do nothing here, but not forbidden either.
    expect(provider.serves('vendor/speaker')).toBe(true)
  })

  test('a list without a drawing model leaves the names to decide', async () => {
    fake.models = ['gpt-4o']
    const provider = makeProvider()
    expect(provider.serves('gpt-4o-mini')).toBe(true)
    expect(provider.serves('painter-9000')).toBe(false)
    await discover(provider)
    expect(provider.models().map(({ id }) => id)).toEqual(['gpt-4o'])
    expect(provider.serves('gpt-image-1')).toBe(true)
    expect(provider.serves('gpt-4o')).toBe(true)
    expect(provider.serves('gpt-4o-mini')).toBe(false)
  })

  test('a relay without a list serves whatever is asked for', async () => {
    fake.models = undefined
    const provider = makeProvider()
    await expect(discover(provider)).rejects.toBeInstanceOf(ProviderError)
    expect(provider.serves('painter-9000')).toBe(true)
  })

  test('configured models come first, and are what they were configured for', async () => {
    fake.models = ['gpt-4o', 'my-chat', 'painter-9000', 'flux-2']
    const provider = makeProvider({
      fixedModels: ['painter-9000', 'gpt-5'],
      chatModels: ['my-chat', 'gpt-5'],
    })
    expect(kindsOf(provider)).toEqual({
      'painter-9000': 'image that draws',
      'gpt-5': 'chat that draws',
      'my-chat': 'chat',
    })
    expect(provider.serves('gpt-4o')).toBe(false)
    await discover(provider)
    expect(Object.entries(kindsOf(provider))).toEqual([
      ['painter-9000', 'image that draws'],
      ['gpt-5', 'chat that draws'],
      ['my-chat', 'chat'],
      ['gpt-4o', 'chat'],
      ['flux-2', 'image that draws'],
    ])
    expect(provider.serves('gpt-4o')).toBe(true)
    expect(provider.serves('gpt-image-1')).toBe(false)
  })

  test('where a list says what a configured model gives, that counts', async () => {
    fake.models = [{ id: 'omni', output_modalities: ['text', 'image'] }]
    const provider = makeProvider({ fixedModels: ['omni'] })
    await discover(provider)
    expect(kindsOf(provider)).toEqual({ omni: 'chat that draws' })
  })

  test('OpenAI itself has known models before anybody asked', () => {
    const provider = makeProvider({ baseUrl: 'https://api.openai.com/v1/' })
    expect(provider.models().map(({ id }) => id)).toContain('gpt-image-1.5')
  })

  test('every key is an account, and no key is one too', () => {
    expect(makeProvider({ apiKeys: ['a', 'b'] }).accounts).toEqual([
      { id: 'fake:1', secret: 'a' },
      { id: 'fake:2', secret: 'b' },
    ])
    expect(makeProvider({ apiKeys: [] }).accounts).toEqual([{ id: 'fake:1', secret: '' }])
  })
})

function kindsOf(provider: Provider): Record<string, string> {
  const kind = ({ id }: ModelInfo) => {
    const { kind, draws } = provider.capabilities(id)
    return [id, draws ? `${kind} that draws` : kind]
  }
  return Object.fromEntries(provider.models().map(kind))
}

interface Changes {
  http?: Outgoing
  spool?: Spool
  signal?: AbortSignal
  config?: Partial<OpenAiConfig>
}

function makeProvider(changes: Partial<OpenAiConfig> = {}) {
  return createOpenAiProvider({
    name: 'fake',
    baseUrl: fake.url,
    apiKeys: [KEY],
    timeout: 10_000,
    ...changes,
  })
}

function start(
  wishes: Partial<ImageJob> = {},
  inputs: Partial<Inputs> = {},
  changes: Changes = {},
): AsyncIterable<ImageEvent> {
  const provider = makeProvider(changes.config)
  const model = wishes.model ?? 'gpt-image-1.5'
  const job: ImageJob = { kind: 'generate', model, prompt: 'a cat', n: 1, dialect: 'openai', ...wishes }
  const [call] = provider.plan({ job, model, inputs: { images: [], ...inputs } }).calls
  const [account] = provider.accounts
  if (call === undefined || account === undefined) throw new Error('nothing to do')
  const { signal = new AbortController().signal } = changes
  return provider.run(call, { account, http: changes.http ?? http, spool: changes.spool ?? spool, signal })
}

/** All events but the first, which only says that more will come. */
async function run(...parameters: Parameters<typeof start>): Promise<ImageEvent[]> {
  return (await Array.fromAsync(start(...parameters))).filter(({ type }) => type !== 'arriving')
}

async function draw() {
  const [event] = await run()
  if (event?.type !== 'image') throw new Error('no picture')
  fake.requests.length = 0
  return event.picture
}

function createOutgoingUntilEnd(options: { isAllowed: () => boolean }) {
  const opened = createOutgoing({ userAgent: 'pictor-test', ...options })
  return { http: opened, [Symbol.asyncDispose]: () => opened.close() }
}

async function files(): Promise<string[]> {
  return (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
}

async function unusedPort(): Promise<number> {
  const server = createServer()
  const { promise, resolve } = Promise.withResolvers<number>()
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    const port = address !== null && typeof address === 'object' ? address.port : 0
    server.close(() => resolve(port))
  })
  return await promise
}

const discover = (provider: Provider) =>
  provider.discover?.({ account: firstAccount(provider), http, signal: new AbortController().signal })
