import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ApiError } from '@google/genai'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { resetUsage } from '../../src/gateway/manage-accounts.ts'
import { json, startPictor, startWithAnyModel, type TestGateway, type TestPictor } from '../pictor.ts'
import { startPictorProcess } from '../process.ts'
import {
  callsFor,
  eventually,
  expectPainted,
  idOf,
  rowOf,
  rowsOfModel,
  sha256Of,
  storedBytes,
} from './evidence.ts'
import { fromUser, gemini, inline, partsOf, pictureOf, picturesIn, post, words } from './gemini.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel()
})
afterAll(() => pictor?.[Symbol.asyncDispose]())
// One test refuses the key for good; the others need it.
afterEach(() => resetUsage(pictor.app.parts.gateway))

const ai = () => gemini(pictor).models

describe('generateContent, asked by the official SDK', () => {
  test('draws, and answers with the bytes and a link of their own', async () => {
    const answer = await ai().generateContent({ model: 'gpt-image-1-first', contents: 'a cat' })
    const [picture, link, ...others] = partsOf(answer)
    expect(others).toEqual([])
    expect(Object.keys(picture ?? {})).toEqual(['inlineData'])
    expect(Object.keys(link ?? {})).toEqual(['fileData'])
    expect(answer.candidates).toHaveLength(1)
    expect(answer.candidates?.[0]).toMatchObject({
      index: 0,
      finishReason: 'STOP',
      content: { role: 'model' },
    })
    expect(picture?.inlineData?.mimeType).toBe('image/png')
    expect(answer.data).toBe(picture?.inlineData?.data)
    expect(link?.fileData).toMatchObject({ mimeType: 'image/png' })
    expect(link?.fileData?.fileUri).toMatch(new RegExp(`^${pictor.url}/images/[0-9a-f-]{36}$`))
    const bytes = await storedBytes(pictor, idOf(link?.fileData?.fileUri))
    expect(picturesIn(partsOf(answer)).map(sha256Of)).toEqual([sha256Of(bytes)])
    await expectPainted(bytes, { width: 1024, height: 1024, format: 'png' })
    expect(answer.usageMetadata).toEqual({
      promptTokenCount: 10,
      candidatesTokenCount: 1056,
      totalTokenCount: 1066,
    })
    expect(answer.modelVersion).toBe('gpt-image-1-first')
    expect(answer.responseId).toBe((await rowOf(pictor, idOf(link?.fileData?.fileUri))).task_id)
    expect(callsFor(pictor.upstream, 'gpt-image-1-first')[0]).toMatchObject({
      path: '/v1/images/generations',
      body: { prompt: 'a cat', n: 1 },
    })
  })

  test('works under both names of the version', async () => {
    for (const apiVersion of ['v1', 'v1beta']) {
      const sdk = gemini(pictor, apiVersion)
      await sdk.models.generateContent({ model: `gpt-image-1-${apiVersion}`, contents: 'a cat' })
      expect(callsFor(pictor.upstream, `gpt-image-1-${apiVersion}`)).toHaveLength(1)
    }
    // OpenAI's clients ask at the same address.
    expect(await (await pictor.fetch('/v1/models')).json()).toMatchObject({ object: 'list' })
  })

  test('needs no upstream: the demo painter answers, in the ratio asked for', async () => {
    await using demo = await startPictor()
    const answer = await gemini(demo).models.generateContent({
      model: 'pictor',
      contents: 'a lighthouse',
      config: { responseModalities: ['TEXT', 'IMAGE'], imageConfig: { aspectRatio: '16:9' }, seed: -7 },
    })
    const [, link] = partsOf(answer)
    const { width, height, model, upstream_model, seed } = await rowOf(demo, idOf(link?.fileData?.fileUri))
    expect(width / height).toBeCloseTo(16 / 9, 1)
    expect([model, upstream_model, Number(seed)]).toEqual(['pictor', 'demo', -7])
    expect(answer.usageMetadata?.totalTokenCount).toBe(0)
  })

  test('draws from the pictures that came with the words, in their order', async () => {
    const model = 'gpt-image-1-edit'
    // One stays in the JSON, the other is long enough to go to a file while it arrives.
    const pictures = [await pictureOf('first'), await pictureOf('second', 100_000)]
    const [first, second] = pictures
    await ai().generateContent({
      model,
      contents: fromUser({ text: 'combine' }, inline(first ?? Buffer.of()), inline(second ?? Buffer.of()), {
        text: 'these',
      }),
    })
    const [call] = callsFor(pictor.upstream, model)
    expect(call).toMatchObject({ path: '/v1/images/edits', body: { prompt: 'combine\nthese' } })
    expect(call?.files.map(({ bytes }) => sha256Of(bytes))).toEqual(pictures.map(sha256Of))
  })

  test('a chat edits what it drew, also when the library has lost it', async () => {
    const model = 'gpt-image-1-chat'
    const chat = gemini(pictor).chats.create({ model })
    const first = picturesIn(partsOf(await chat.sendMessage({ message: 'a cat' })))
    const second = picturesIn(partsOf(await chat.sendMessage({ message: 'make it white' })))
    expect(chat.getHistory(true).map(({ role }) => role)).toEqual(['user', 'model', 'user', 'model'])
    const { query } = pictor.app.parts.gateway.database
    await query.updateTable('image').set({ deleted_at: 1 }).where('model', '=', model).execute()
    await chat.sendMessage({ message: 'in the snow' })
    const calls = callsFor(pictor.upstream, model)
    expect(calls.map(({ path, body }) => [path, body.prompt])).toEqual([
      ['/v1/images/generations', 'a cat'],
      ['/v1/images/edits', 'make it white'],
      ['/v1/images/edits', 'in the snow'],
    ])
    const sent = calls.map(({ files }) => files.map(({ bytes }) => sha256Of(bytes)))
    expect(sent).toEqual([[], first.map(sha256Of), second.map(sha256Of)])
  })

  test('a chat with a model that takes no pictures draws from the words', async () => {
    const chat = gemini(pictor).chats.create({ model: 'dall-e-3-chat' })
    await chat.sendMessage({ message: 'a cat' })
    await chat.sendMessage({ message: 'a dog' })
    expect(callsFor(pictor.upstream, 'dall-e-3-chat').map(({ path }) => path)).toEqual([
      '/v1/images/generations',
      '/v1/images/generations',
    ])
  })

  test('several candidates are as many pictures', async () => {
    const model = 'dall-e-3-candidates'
    const config = { candidateCount: 3 }
    const { candidates = [] } = await ai().generateContent({ model, contents: 'a cat', config })
    expect(candidates.map(({ index, finishReason }) => [index, finishReason])).toEqual([
      [0, 'STOP'],
      [1, 'STOP'],
      [2, 'STOP'],
    ])
    expect(
      new Set(candidates.flatMap(({ content }) => picturesIn(content?.parts ?? []).map(sha256Of))),
    ).toHaveProperty('size', 3)
    expect(callsFor(pictor.upstream, model)).toHaveLength(3)
  })

  test('what the upstream does not take is named in the words of this surface', async () => {
    const response = await post(pictor, 'dall-e-3-warned:generateContent', {
      ...words('a cat'),
      generationConfig: { seed: 7, temperature: 1, imageConfig: { aspectRatio: '21:9' } },
      safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
    })
    const { warnings } = (await response.json()) as { warnings: { param: string }[] }
    expect(warnings.map(({ param }) => param).sort()).toEqual([
      'aspectRatio',
      'generationConfig',
      'safetySettings',
      'seed',
    ])
  })

  test('?images=url leaves the bytes out, and the link can be sent back', async () => {
    const model = 'gpt-image-1-linked'
    const response = await post(pictor, `${model}:generateContent?images=url`, words('a cat'))
    const { candidates } = (await response.json()) as { candidates: { content: object }[] }
    expect(JSON.stringify(candidates)).not.toContain('inlineData')
    const [row] = await rowsOfModel(pictor, model)
    expect(candidates[0]?.content).toEqual({
      role: 'model',
      parts: [{ fileData: { mimeType: 'image/png', fileUri: `${pictor.url}/images/${row?.id}` } }],
    })
    const { content = {} } = candidates[0] ?? {}
    await post(pictor, `${model}:generateContent`, {
      contents: [fromUser({ text: 'a cat' }), content, fromUser({ text: 'white' })],
    })
    expect(callsFor(pictor.upstream, model)[1]?.files.map(({ bytes }) => sha256Of(bytes))).toEqual([
      row?.sha256,
    ])
  })

  test('a picture without words is varied', async () => {
    const model = 'gpt-image-1-varied'
    await ai().generateContent({ model, contents: fromUser(inline(await pictureOf('alone'))) })
    expect(callsFor(pictor.upstream, model)[0]?.path).toBe('/v1/images/edits')
  })

  test('a picture of 20 MB goes both ways', async () => {
    const model = 'gpt-image-1-large'
    pictor.upstream.behave(model, { name: 'b64', bytes: 20_000_000 })
    const picture = await pictureOf('large', 20_000_000)
    const answer = await ai().generateContent({ model, contents: fromUser({ text: 'x' }, inline(picture)) })
    const [call] = callsFor(pictor.upstream, model)
    expect(sha256Of(call?.files[0]?.bytes ?? Buffer.of())).toBe(sha256Of(picture))
    const [drawn] = await rowsOfModel(pictor, model)
    expect(picturesIn(partsOf(answer)).map(sha256Of)).toEqual([drawn?.sha256])
    expect(Number(drawn?.bytes)).toBeGreaterThan(20_000_000)
  })

  test('the same Idempotency-Key gives the same answer without a second call', async () => {
    const model = 'gpt-image-1-again'
    const ask = async () =>
      (
        await pictor.fetch(
          `/v1beta/models/${model}:generateContent`,
          json(words('a cat'), { 'idempotency-key': 'once' }),
        )
      ).text()
    expect(await ask()).toBe(await ask())
    expect(callsFor(pictor.upstream, model)).toHaveLength(1)
  })

  test('names with slashes and colons, and with models/ before them', async () => {
    for (const name of ['vendor/gpt-image-1', 'models/vendor/gpt-image-1', 'vendor%2Fgpt-image-1']) {
      expect((await post(pictor, `${name}:generateContent`, words('a cat'))).status, name).toBe(200)
    }
    expect(callsFor(pictor.upstream, 'vendor/gpt-image-1')).toHaveLength(3)
    expect((await post(pictor, 'gpt-image-1:free:generateContent', words('a cat'))).status).toBe(200)
    expect(callsFor(pictor.upstream, 'gpt-image-1:free')).toHaveLength(1)
  })
})

describe('what an upstream wants back with a picture', () => {
  test('goes to it whatever the surface, from the client or from the library, to its owner only', async () => {
    const model = 'gpt-image-1-signed'
    const { gateway, keys } = pictor.app.parts
    const answer = await ai().generateContent({ model, contents: 'a cat' })
    const [picture = Buffer.of()] = picturesIn(partsOf(answer))
    const sha256 = sha256Of(picture)
    const { query } = gateway.database
    await query.updateTable('image').set({ signature: 'kept' }).where('sha256', '=', sha256).execute()
    const { secret } = await keys.create({ name: 'stranger' })
    const seen: unknown[] = []
    const [provider] = gateway.providers.all
    const plan = provider?.plan.bind(provider)
    if (!provider || !plan) throw new Error('there is no provider')
    // Only watched: it plans as it always does.
    provider.plan = (request) => {
      seen.push(request.inputs.signatures?.get(sha256))
      return plan(request)
    }
    try {
      const contents = fromUser({ text: 'white' }, inline(picture))
      await ai().generateContent({ model, contents })
      await ai().generateContent({
        model,
        contents: fromUser({ text: 'white' }, { ...inline(picture), thoughtSignature: 'sent' }),
      })
      await gemini({ ...pictor, key: secret }).models.generateContent({ model, contents })
      const edit = { model, prompt: 'white', image: picture.toString('base64') }
      await pictor.fetch('/v1/images/edits', json(edit))
      const job = await pictor.fetch('/v1/images/edits', json({ ...edit, async: true }))
      const { url } = (await job.json()) as { url: string }
      await eventually(async () => {
        const state = await pictor.fetch(new URL(url).pathname)
        return ((await state.json()) as { status: string }).status === 'completed' ? true : undefined
      })
    } finally {
      provider.plan = plan
    }
    expect(seen).toEqual(['kept', 'sent', undefined, 'kept', 'kept'])
  })

  test('goes to the client with the picture', async () => {
    const key = { 'idempotency-key': 'signed' }
    const ask = () =>
      pictor.fetch('/v1beta/models/gpt-image-1-signing:generateContent', json(words('a cat'), key))
    await ask()
    const { query } = pictor.app.parts.gateway.database
    await query
      .updateTable('image')
      .set({ signature: 'sig' })
      .where('model', '=', 'gpt-image-1-signing')
      .execute()
    expect(await (await ask()).json()).toMatchObject({
      candidates: [{ content: { parts: [{ thoughtSignature: 'sig' }, { fileData: {} }] } }],
    })
  })
})

describe('errors', () => {
  const failing = async (model: string, behaviour: Parameters<typeof pictor.upstream.behave>[1]) => {
    pictor.upstream.behave(model, behaviour)
    const response = await post(pictor, `${model}:generateContent`, words('a cat'))
    return { response, body: (await response.json()) as { error: Record<string, unknown> } }
  }

  test('are ApiErrors of the SDK with the status', async () => {
    pictor.upstream.behave('gpt-image-1-moderated', 'moderation-400')
    const asking = ai().generateContent({ model: 'gpt-image-1-moderated', contents: 'a cat' })
    await expect(asking).rejects.toThrow(ApiError)
    await expect(asking).rejects.toMatchObject({ status: 400 })
    await expect(asking).rejects.toThrow(/content moderation/)
    const lost = ai().generateContent({ model: 'a/b/c/d/e', contents: 'a cat' })
    await expect(lost).rejects.toMatchObject({ status: 404 })
  })

  test.each([
    ['moderation-400', 400, 'INVALID_ARGUMENT', 'CONTENT_POLICY_VIOLATION'],
    ['401', 502, 'INTERNAL', 'UPSTREAM_AUTH'],
    ['503', 502, 'UNAVAILABLE', 'UPSTREAM_OVERLOADED'],
    ['empty-data', 502, 'INTERNAL', 'NO_IMAGE'],
  ] as const)('%s of the upstream', async (behaviour, status, word, reason) => {
    const { response, body } = await failing(`gpt-image-1-${behaviour}`, behaviour)
    expect(response.status).toBe(status)
    expect(body.error).toEqual({
      code: status,
      message: expect.any(String),
      status: word,
      details: expect.arrayContaining([
        { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'pictor' },
      ]),
    })
  })

  test('a limit says when to come back, in the header and in the body', async () => {
    const { response, body } = await failing('gpt-image-1-limited', '429-retry-after')
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(body.error).toMatchObject({
      status: 'RESOURCE_EXHAUSTED',
      details: [
        {},
        {
          '@type': 'type.googleapis.com/google.rpc.RetryInfo',
          retryDelay: `${response.headers.get('retry-after')}s`,
        },
      ],
    })
  })

  test('an unknown method or model is 404', async () => {
    for (const path of ['gpt-image-1:countTokens', 'gpt-image-1:embedContent']) {
      const response = await post(pictor, path, words('a cat'))
      expect(response.status, path).toBe(404)
      expect(await response.json()).toMatchObject({ error: { code: 404, status: 'NOT_FOUND' } })
    }
  })
})

describe('a key', () => {
  const list = (path: string, headers: Record<string, string>, { url }: TestPictor = pictor) =>
    fetch(`${url}/v1beta/models${path}`, { headers })

  test('may come in three ways', async () => {
    const { key } = pictor
    expect((await list('', { 'x-goog-api-key': key })).status).toBe(200)
    expect((await list(`?key=${key}`, {})).status).toBe(200)
    expect((await list('', { authorization: `Bearer ${key}` })).status).toBe(200)
  })

  test('that is wrong or missing is refused, whichever way it comes', async () => {
    const refused = [
      await list('', {}),
      await list('', { 'x-goog-api-key': 'wrong' }),
      await list('?key=wrong', {}),
      await list('', { authorization: 'Bearer wrong' }),
      await list('', { 'x-goog-api-key': 'wrong', authorization: `Bearer ${pictor.key}` }),
      await fetch(`${pictor.url}/v1beta/models/demo:predict`, json(words('a cat'))),
      await fetch(`${pictor.url}/v1beta/no-such-route`),
    ]
    for (const response of refused) {
      expect(response.status).toBe(401)
      expect(await response.json()).toMatchObject({ error: { code: 401, status: 'UNAUTHENTICATED' } })
    }
    const asking = gemini({ ...pictor, key: 'wrong' }).models.generateContent({
      model: 'demo',
      contents: 'x',
    })
    await expect(asking).rejects.toMatchObject({ name: 'ApiError', status: 401 })
  })

  test('in a query is of no use elsewhere', async () => {
    expect((await fetch(`${pictor.url}/v1/models?key=${pictor.key}`)).status).toBe(401)
  })

  test('in a query stands in no log', async () => {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'pictor-'))
    try {
      await using running = await startPictorProcess({ DATA_DIR: dataDirectory, LOG_LEVEL: 'trace' })
      const ask = (method: string) =>
        fetch(`${running.url}/v1beta/models/demo:${method}?key=key-not-to-be-logged`, json(words('a cat')))
      expect([(await ask('generateContent')).status, (await ask('none')).status]).toEqual([401, 401])
      await running.says(/demo:none/)
      expect(running.stdout() + running.stderr()).not.toContain('key-not-to-be-logged')
    } finally {
      await rm(dataDirectory, { recursive: true, force: true })
    }
  })

  test('is not needed with AUTH=off', async () => {
    await using open = await startPictor({ AUTH: 'off' })
    expect((await list('', {}, open)).status).toBe(200)
  })

  test('may be sent by a page of another origin', async () => {
    const preflight = await fetch(`${pictor.url}/v1beta/models/demo:generateContent`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://chat.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,x-goog-api-client,x-goog-api-key',
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    expect(preflight.headers.get('access-control-allow-headers')).toContain('x-goog-api-key')
  })
})
