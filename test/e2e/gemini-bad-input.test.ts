import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { json, startWithUpstream, type TestGateway } from '../pictor.ts'
import { countRows, findOrphans } from '../traces.ts'
import { post } from './gemini.ts'

const MODEL = 'gpt-image-1.5'
const GIF = 'R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=='

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithUpstream()
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

/** What a client is told, and nothing else may have happened. */
async function expectRefusal(path: string, body: unknown, says: RegExp, status = 400): Promise<void> {
  const { database } = pictor.app.parts.gateway
  const before = await countRows(database)
  const reply = await post(pictor, path, body)
  const { error } = (await reply.json()) as { error: { code: number; message: string } }
  expect(error).toMatchObject({ code: status, message: expect.stringMatching(says) })
  expect(reply.status).toBe(status)
  expect(await countRows(database)).toEqual(before)
  expect(pictor.upstream.requests.filter(({ method }) => method === 'POST')).toEqual([])
  await vi.waitFor(async () =>
    expect(await findOrphans({ dataDirectory: pictor.dataDirectory, database })).toEqual([]),
  )
}

const contents = (...parts: unknown[]) => ({ contents: [{ parts }] })
const config = (generationConfig: unknown) => ({ ...contents({ text: 'a cat' }), generationConfig })
const image = (imageConfig: unknown) => config({ imageConfig })

test.each<[string, unknown, RegExp]>([
  ['no contents', {}, /'contents'/],
  ['contents null', { contents: null }, /'contents'/],
  ['empty contents', { contents: [] }, /'contents'/],
  ['contents that are a text', { contents: 'a cat' }, /'contents\[0\]'.*object/],
  ['a content without parts', { contents: [{ role: 'user' }] }, /'contents\[0\]\.parts'/],
  ['parts that are texts', contents('a cat'), /'contents\[0\]\.parts\[0\]'.*object/],
  ['neither text nor picture', contents({ functionCall: {} }), /'contents'.*neither text nor picture/],
  ['white space', contents({ text: ' \n' }), /'contents'.*neither/],
  ['nothing from the user', { contents: { role: 'model', parts: { text: 'a' } } }, /'contents'.*neither/],
  ['an unknown role', { contents: [{ role: 'boss', parts: [] }] }, /'contents\[0\]\.role'.*'user'/],
  ['a prompt that is too long', contents({ text: 'x'.repeat(32_001) }), /'contents'.*32000/],
  ['a text that is a number', contents({ text: 7 }), /'contents\[0\]\.parts\[0\]\.text'/],
  ['inlineData without data', contents({ inlineData: {} }), /'contents\[0\]\.parts\[0\]\.inlineData\.data'/],
  ['inlineData that is a text', contents({ inlineData: 'x' }), /'contents\[0\]\.parts\[0\]\.inlineData'/],
  [
    'data that is no base64',
    contents({ inlineData: { data: '!!' } }),
    /parts\[0\]\.inlineData\.data'.*base64/,
  ],
  ['a GIF', contents({ text: 'x' }, { inline_data: { data: GIF } }), /parts\[1\]\.inlineData\.data'.*gif/],
  ['a file of the Files API', contents({ fileData: { fileUri: 'files/x' } }), /fileData\.fileUri'.*not kept/],
  [
    'a foreign link',
    contents({ fileData: { fileUri: 'https://example.com/x.png' } }),
    /fileUri'.*another site/,
  ],
  ['candidateCount 0', config({ candidateCount: 0 }), /'generationConfig\.candidateCount'/],
  ['candidateCount 9', config({ candidate_count: 9 }), /'generationConfig\.candidateCount'.*8/],
  ['seed 2^40', config({ seed: 2 ** 40 }), /'generationConfig\.seed'/],
  ['only text', config({ responseModalities: ['TEXT'] }), /'generationConfig\.responseModalities'.*IMAGE/],
  ['aspectRatio 7:3', image({ aspectRatio: '7:3' }), /'generationConfig\.imageConfig\.aspectRatio'.*'21:9'/],
  ['aspectRatio 8:1', image({ aspect_ratio: '8:1' }), /'generationConfig\.imageConfig\.aspectRatio'.*'21:9'/],
  ['imageSize 3K', image({ imageSize: '3K' }), /'generationConfig\.imageConfig\.imageSize'.*'512'.*'4K'/],
  ['generationConfig that is a list', config([]), /'generationConfig'/],
])('generateContent with %s is refused', async (_name, body, says) => {
  await expectRefusal(`${MODEL}:generateContent`, body, says)
  await expectRefusal(`${MODEL}:streamGenerateContent?alt=sse`, body, says)
})

const predicted = (parameters: unknown, instance: object = {}) => ({
  instances: [{ prompt: 'a cat', ...instance }],
  parameters,
})

test.each<[string, unknown, RegExp]>([
  ['no instances', {}, /'instances'/],
  ['empty instances', { instances: [] }, /'instances'/],
  ['two instances', { instances: [{ prompt: 'a' }, { prompt: 'b' }] }, /'instances'.*1/],
  ['no prompt', { instances: {} }, /'instances\[0\]\.prompt'/],
  ['sampleCount 11', predicted({ sampleCount: 11 }), /'parameters\.sampleCount'.*10/],
  ['sampleCount 0', predicted({ sample_count: 0 }), /'parameters\.sampleCount'.*1/],
  ['aspectRatio 7:3', predicted({ aspectRatio: '7:3' }), /'parameters\.aspectRatio'.*'21:9'/],
  ['sampleImageSize 8K', predicted({ sampleImageSize: '8K' }), /'parameters\.sampleImageSize'.*'4K'/],
  [
    'another type',
    predicted({ outputOptions: { mimeType: 'image/gif' } }),
    /'parameters\.outputOptions\.mimeType'.*webp/,
  ],
  ['an image without bytes', predicted({}, { image: {} }), /'instances\[0\]\.image\.bytesBase64Encoded'/],
  ['a mask', predicted({}, { mask: {} }), /'instances\[0\]\.mask'/],
])('predict with %s is refused', async (_name, body, says) => {
  await expectRefusal(`${MODEL}:predict`, body, says)
})

test('what is wrong with the query is named', async () => {
  const body = contents({ text: 'a cat' })
  await expectRefusal(`${MODEL}:generateContent?images=none`, body, /'images'.*'url'/)
  await expectRefusal(`${MODEL}:streamGenerateContent?alt=xml`, body, /'alt'.*'sse'/)
})

test('an unknown model is refused', async () => {
  await expectRefusal('no-such-model:generateContent', contents({ text: 'a cat' }), /no-such-model/, 404)
})

test('a model that only writes is refused, with the names of those that draw', async () => {
  const ready = async () => (await pictor.openai.models.list()).data.some(({ id }) => id === 'gpt-4o-mini')
  await vi.waitFor(async () => expect(await ready()).toBe(true))
  const says = /'gpt-4o-mini' cannot.*only writes.*pictor, gpt-image-1\.5, demo/
  await expectRefusal('gpt-4o-mini:generateContent', contents({ text: 'a cat' }), says)
  await expectRefusal('gpt-4o-mini:predict', predicted({}), says)
})

test('what is no JSON, or no body of ours, is refused', async () => {
  const path = `/v1beta/models/${MODEL}:generateContent`
  const broken = await pictor.fetch(path, { ...json({}), body: '{"contents":' })
  expect(await broken.json()).toMatchObject({ error: { code: 400, status: 'INVALID_ARGUMENT' } })
  const form = await pictor.fetch(path, {
    method: 'POST',
    body: 'x',
    headers: { 'content-type': 'text/plain' },
  })
  expect(await form.json()).toMatchObject({ error: { code: 400 } })
})
