import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startWithAnyModel, type TestGateway } from '../pictor.ts'
import { paint, whole } from '../upstreams/pictures.ts'
import { callsFor, idOf, rowOf, rowsOfModel, sha256Of } from './evidence.ts'
import { pictureOf, post } from './gemini.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel()
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

interface Predicted {
  predictions: {
    bytesBase64Encoded?: string
    mimeType?: string
    imageUrl?: string
    raiFilteredReason?: string
  }[]
  warnings?: { param?: string; message: string }[]
}

async function predict(model: string, body: unknown): Promise<Predicted> {
  const response = await post(pictor, `${model}:predict`, body)
  expect(response.status).toBe(200)
  return (await response.json()) as Predicted
}

const decoded = (text = '') => Buffer.from(text, 'base64')

describe('as Open WebUI asks', () => {
  test(':predict with an object, for a PNG whatever the upstream draws', async () => {
    const model = 'dall-e-3-predict'
    pictor.upstream.behave(model, 'wrong-mime')
    const { predictions } = await predict(model, {
      instances: { prompt: 'a cat' },
      parameters: { sampleCount: 1, outputOptions: { mimeType: 'image/png' } },
    })
    expect(predictions).toHaveLength(1)
    const [{ bytesBase64Encoded, mimeType, imageUrl } = {}] = predictions
    expect(mimeType).toBe('image/png')
    expect(decoded(bytesBase64Encoded).subarray(1, 4).toString()).toBe('PNG')
    expect((await rowOf(pictor, idOf(imageUrl?.split('?')[0]))).mime).toBe('image/jpeg')
    const linked = Buffer.from(await (await fetch(imageUrl ?? '')).arrayBuffer())
    expect(sha256Of(linked)).toBe(sha256Of(decoded(bytesBase64Encoded)))
  })

  test(':generateContent without role and modalities', async () => {
    const response = await post(pictor, 'gpt-image-1-webui:generateContent', {
      contents: [{ parts: [{ text: 'a cat' }] }],
    })
    const { candidates } = (await response.json()) as {
      candidates: { content: { parts: { inlineData?: { data: string } }[] } }[]
    }
    // What its code does with an answer.
    const pictures = candidates.flatMap(({ content }) =>
      content.parts.flatMap((part) => (part.inlineData?.data ? [part.inlineData.data] : [])),
    )
    const [row] = await rowsOfModel(pictor, 'gpt-image-1-webui')
    expect(pictures.map((text) => sha256Of(decoded(text)))).toEqual([row?.sha256])
  })

  test('an edit in snake_case, with a JPEG that is called a PNG', async () => {
    const model = 'gpt-image-1-webui-edit'
    const jpeg = whole(await paint({ width: 64, height: 64, format: 'jpeg', mark: 'mislabelled' }))
    const response = await post(pictor, `${model}:generateContent`, {
      contents: [
        {
          parts: [
            { text: 'make it snow' },
            { inline_data: { mime_type: 'image/png', data: jpeg.toString('base64') } },
          ],
        },
      ],
      generation_config: { image_config: { aspect_ratio: '1:1', image_size: '1k' }, candidate_count: 1 },
    })
    expect(response.status).toBe(200)
    const [call] = callsFor(pictor.upstream, model)
    expect(call).toMatchObject({ path: '/v1/images/edits', body: { prompt: 'make it snow' } })
    expect(call?.files).toMatchObject([{ type: 'image/jpeg' }])
    expect(sha256Of(call?.files[0]?.bytes ?? Buffer.of())).toBe(sha256Of(jpeg))
  })
})

test('several pictures, and a picture to change', async () => {
  const model = 'gpt-image-1-predict'
  const picture = await pictureOf('to change', 40_000)
  const { predictions } = await predict(model, {
    instances: [{ prompt: 'white', image: { bytesBase64Encoded: picture.toString('base64') } }],
    parameters: { sampleCount: 2, aspectRatio: '3:4', sampleImageSize: '2k' },
  })
  expect(new Set(predictions.map(({ imageUrl }) => imageUrl)).size).toBe(2)
  const [call] = callsFor(pictor.upstream, model)
  expect(call?.path).toBe('/v1/images/edits')
  expect(sha256Of(call?.files[0]?.bytes ?? Buffer.of())).toBe(sha256Of(picture))
})

test('what is not taken is named', async () => {
  const { warnings } = await predict('dall-e-3-predict-warned', {
    instances: [{ prompt: 'a cat' }],
    parameters: { negativePrompt: 'dogs' },
  })
  expect(warnings).toMatchObject([{ param: 'negativePrompt' }])
})

test('pictures that were withheld are missing, and have a reason where it was asked for', async () => {
  for (const includeRaiReason of [false, true]) {
    const model = `dall-e-3-withheld-${includeRaiReason}`
    pictor.upstream.behave(model, ['b64', 'moderation-400'])
    const { predictions, warnings } = await predict(model, {
      instances: [{ prompt: 'a cat' }],
      parameters: { sampleCount: 2, includeRaiReason },
    })
    const [drawn, withheld] = predictions
    expect(drawn?.bytesBase64Encoded).toBeTruthy()
    expect(warnings).toMatchObject([{ param: 'sampleCount' }])
    expect(withheld).toEqual(
      includeRaiReason ? { raiFilteredReason: expect.stringMatching(/^The request was blocked/) } : undefined,
    )
  }
})

test('when all were withheld it is an error', async () => {
  pictor.upstream.behave('dall-e-3-all-withheld', 'moderation-400')
  const response = await post(pictor, 'dall-e-3-all-withheld:predict', { instances: { prompt: 'a cat' } })
  expect([response.status, response.statusText]).toEqual([400, 'Moderation blocked'])
})

test('?images=url leaves the bytes out', async () => {
  const model = 'gpt-image-1-predict-linked'
  const { predictions } = await predict(model, { instances: { prompt: 'a cat' } })
  const response = await post(pictor, `${model}:predict?images=url`, { instances: { prompt: 'a cat' } })
  const linked = (await response.json()) as Predicted
  expect(predictions[0]?.bytesBase64Encoded).toBeTruthy()
  expect(Object.keys(linked.predictions[0] ?? {})).toEqual(['mimeType', 'imageUrl'])
})
