import type { GenerateContentResponse } from '@google/genai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, startPictor, startWithAnyModel, type TestGateway } from '../pictor.ts'
import { callsFor, eventually, rowsOfModel, sha256Of } from './evidence.ts'
import { gemini, partsOf, picturesIn, post, words } from './gemini.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel()
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

/** The pieces of an answer as the SDK reads them. */
async function stream(model: string, config = {}, served: { url: string; key: string } = pictor) {
  const pieces: GenerateContentResponse[] = []
  const answer = await gemini(served).models.generateContentStream({ model, contents: 'a cat', config })
  for await (const piece of answer) pieces.push(piece)
  return pieces
}

test('each picture is a piece, and the last one has the end and the usage', async () => {
  const model = 'dall-e-3-streamed'
  const pieces = await stream(model, { candidateCount: 3 })
  expect(pieces.map(({ candidates }) => candidates?.[0]?.finishReason)).toEqual([
    undefined,
    undefined,
    'STOP',
  ])
  expect(pieces.map(({ usageMetadata }) => usageMetadata !== undefined)).toEqual([false, false, true])
  expect(new Set(pieces.map(({ candidates }) => candidates?.[0]?.index))).toEqual(new Set([0, 1, 2]))
  const rows = await rowsOfModel(pictor, model)
  const hashes = pieces.flatMap((piece) => picturesIn(partsOf(piece)).map(sha256Of))
  expect(new Set(hashes)).toEqual(new Set(rows.map(({ sha256 }) => sha256)))
  expect(hashes).toHaveLength(3)
})

test('the demo painter streams too', async () => {
  await using demo = await startPictor()
  const [piece, ...others] = await stream('pictor', {}, demo)
  expect(others).toEqual([])
  expect(partsOf(piece).map((part) => Object.keys(part))).toEqual([['inlineData'], ['fileData']])
})

test('previews are thoughts, and are not drawn from', async () => {
  const model = 'gpt-image-1-previews'
  pictor.upstream.behave(model, ['sse-partials', 'b64'])
  const chat = gemini(pictor).chats.create({ model })
  const pieces: GenerateContentResponse[] = []
  for await (const piece of await chat.sendMessageStream({ message: 'a cat' })) pieces.push(piece)
  expect(pieces.map((piece) => partsOf(piece)[0]?.thought)).toEqual([true, true, undefined])
  await chat.sendMessage({ message: 'white' })
  const [row] = await rowsOfModel(pictor, model)
  expect(callsFor(pictor.upstream, model)[1]?.files.map(({ bytes }) => sha256Of(bytes))).toEqual([
    row?.sha256,
  ])
})

test('without alt=sse it is one JSON array', async () => {
  const response = await post(pictor, 'dall-e-3-array:streamGenerateContent', {
    ...words('a cat'),
    generationConfig: { candidateCount: 2 },
  })
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
  const pieces = (await response.json()) as { candidates: { finishReason?: string }[] }[]
  expect(pieces.map(({ candidates }) => candidates[0]?.finishReason)).toEqual([undefined, 'STOP'])
})

test('a repeated request is answered with the pictures of the first', async () => {
  const model = 'gpt-image-1-repeated'
  const ask = async () => {
    const init = json(words('a cat'), { 'idempotency-key': 'stream' })
    return (await pictor.fetch(`/v1beta/models/${model}:streamGenerateContent?alt=sse`, init)).text()
  }
  const first = await ask()
  expect(first).toMatch(/^data: \{.*\}\n\n$/)
  expect(await ask()).toBe(first)
  expect(callsFor(pictor.upstream, model)).toHaveLength(1)
})

describe('failures', () => {
  test('before the first byte are an HTTP error', async () => {
    pictor.upstream.behave('gpt-image-1-refused', 'moderation-400')
    for (const query of ['', '?alt=sse']) {
      const response = await post(pictor, `gpt-image-1-refused:streamGenerateContent${query}`, words('a cat'))
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ error: { code: 400, status: 'INVALID_ARGUMENT' } })
    }
    await expect(stream('gpt-image-1-refused')).rejects.toMatchObject({ name: 'ApiError', status: 400 })
  })

  test('after it are an object of the stream, which the SDK throws', async () => {
    const model = 'gpt-image-1-cut'
    pictor.upstream.behave(model, 'sse-cut')
    await expect(stream(model)).rejects.toMatchObject({ name: 'ApiError', status: 502 })
    const array = await post(pictor, `${model}:streamGenerateContent`, words('a cat'))
    expect(array.status).toBe(200)
    const pieces = (await array.json()) as object[]
    expect(pieces.at(-1)).toMatchObject({ error: { code: 502, status: 'UNAVAILABLE' } })
  })
})

test('a client that leaves ends the call', async () => {
  const model = 'gpt-image-1-left'
  pictor.upstream.behave(model, 'hang')
  const leaving = new AbortController()
  const answer = pictor
    .fetch(`/v1beta/models/${model}:streamGenerateContent?alt=sse`, {
      ...json(words('a cat')),
      signal: leaving.signal,
    })
    .then((response) => response.text())
  const call = await eventually(() => callsFor(pictor.upstream, model)[0])
  leaving.abort()
  await expect(answer).rejects.toThrow()
  expect(await call.finished).toBe('aborted')
})
