import { describe, expect, test } from 'vitest'
import type { Content } from '../../../contract/gemini.ts'
import { Spooled, SpooledText } from '../../bytes/spooled.ts'
import { readConversation } from './conversation.ts'
import { toContentJob, toPredictJob, unknownParameters, withKind } from './job.ts'
import { tidyContentBody, tidyPredictBody } from './tidy.ts'
import { toUsageMetadata } from './usage.ts'

const DEFAULTS = { model: 'm', aspectRatio: undefined }

const picture = new Spooled({
  path: '/x',
  sha256: 'a',
  bytes: 1,
  mime: 'image/png',
  width: 1,
  height: 1,
})

describe('a body is brought into one form', () => {
  test('in snake_case, without lists, with nulls', () => {
    expect(
      tidyContentBody({
        contents: {
          role: null,
          parts: {
            inline_data: { mime_type: 'image/png', data: picture },
            thought_signature: 's',
          },
        },
        generation_config: {
          candidate_count: 2,
          response_modalities: 'image',
          image_config: { aspect_ratio: '1:1', image_size: '2k' },
          seed: null,
        },
        safety_settings: [{ a_b: 1 }],
        system_instruction: { parts: { text: 'x' } },
      }),
    ).toEqual({
      contents: [
        { parts: [{ inlineData: { mimeType: 'image/png', data: picture }, thoughtSignature: 's' }] },
      ],
      generationConfig: {
        candidateCount: 2,
        responseModalities: ['IMAGE'],
        imageConfig: { aspectRatio: '1:1', imageSize: '2K' },
      },
      safetySettings: [{ a_b: 1 }],
      systemInstruction: { parts: { text: 'x' } },
    })
    expect(
      tidyPredictBody({
        instances: { prompt: 'x', image: { bytes_base64_encoded: picture } },
        parameters: { sample_count: 1, output_options: { mime_type: 'image/png' } },
      }),
    ).toEqual({
      instances: [{ prompt: 'x', image: { bytesBase64Encoded: picture } }],
      parameters: { sampleCount: 1, outputOptions: { mimeType: 'image/png' } },
    })
  })

  test('names of the caller stay as they are', () => {
    const body = { contents: [], tools: [{ functionDeclarations: [{ parameters: { user_name: {} } }] }] }
    expect(tidyContentBody(body)).toEqual(body)
    for (const odd of [null, 'x', 7, [1], picture]) expect(tidyContentBody(odd)).toBe(odd)
  })
})

describe('of a conversation', () => {
  const user = (...parts: Content['parts']): Content => ({ role: 'user', parts })
  const model = (...parts: Content['parts']): Content => ({ role: 'model', parts })
  const inline = (data: unknown, more = {}) => ({ inlineData: { data }, ...more })
  const valuesOf = (contents: Content[]) => readConversation(contents).references.map(({ value }) => value)

  test('the last words and pictures of the user count', () => {
    const contents = [
      user({ text: 'old' }, inline('0')),
      model(inline('1')),
      { parts: [{ text: 'new' }, inline('2')] },
    ]
    expect(readConversation(contents)).toEqual({
      prompt: 'new',
      references: [{ value: '2', param: 'contents[2].parts[1].inlineData.data' }],
      inherited: false,
    })
  })

  test('else the pictures of the latest answer that has some, with what belongs to them', () => {
    const answer = [
      model(inline('thought', { thought: true })),
      model({ text: 'here' }, inline('1', { thoughtSignature: 's' })),
      model(inline('2'), { fileData: { fileUri: 'https://x/images/2' } }),
    ]
    const contents = [user({ text: 'a' }), model(inline('0')), user({ text: 'b' }), ...answer]
    expect(
      readConversation([...contents, user({ text: 'c' }), model({ text: 'no' }), user({ text: 'd' })]),
    ).toEqual({
      prompt: 'd',
      references: [
        { value: '1', param: 'contents[4].parts[1].inlineData.data', signature: 's' },
        { value: '2', param: 'contents[5].parts[0].inlineData.data' },
      ],
      inherited: true,
    })
  })

  test('a link counts where the picture itself is not there', () => {
    const link = { fileData: { fileUri: '/images/1' }, thoughtSignature: 's' }
    expect(readConversation([model(link), user({ text: 'a' })]).references).toEqual([
      { value: '/images/1', param: 'contents[0].parts[0].fileData.fileUri', signature: 's', isLink: true },
    ])
  })

  test('else what the user sent before', () => {
    const contents = [user({ text: 'a' }, inline('0')), model({ text: 'nice' }), user({ text: 'white' })]
    expect(valuesOf(contents)).toEqual(['0'])
    expect(valuesOf([user({ text: 'a' })])).toEqual([])
  })

  test('pictures within a text are pictures', () => {
    const text = new SpooledText(['make ![x](', picture, ') white'])
    expect(readConversation([user({ text })])).toMatchObject({
      prompt: 'make ![x]() white',
      references: [{ value: picture }],
    })
    expect(readConversation([user({ text: picture })])).toMatchObject({ prompt: '', references: [{}] })
  })
})

describe('a job', () => {
  test('has what we know in its place, and the rest as fields of such a body', () => {
    const imageConfig = { aspectRatio: '21:9', imageSize: '4K', personGeneration: 'ALLOW_ALL' } as const
    const generationConfig = {
      candidateCount: 3,
      seed: -1,
      responseModalities: ['TEXT', 'IMAGE'],
      temperature: 1,
      imageConfig,
    }
    const body = { model: 'models/other', contents: [], generationConfig, safetySettings: [] }
    expect(toContentJob(body, 'a fox', DEFAULTS)).toEqual({
      kind: 'generate',
      dialect: 'gemini',
      model: 'm',
      prompt: 'a fox',
      n: 3,
      seed: -1,
      aspectRatio: '21:9',
      imageSize: '4K',
      extra: {
        safetySettings: [],
        generationConfig: { temperature: 1, imageConfig: { personGeneration: 'ALLOW_ALL' } },
      },
    })
  })

  test('with nothing but words is nothing but words', () => {
    const job = { kind: 'generate', dialect: 'gemini', model: 'm', prompt: 'a fox', n: 1 }
    expect(toContentJob({ contents: [] }, 'a fox', DEFAULTS)).toEqual(job)
    expect(toContentJob({ contents: [] }, 'a fox', { model: 'm', aspectRatio: '3:4' })).toEqual({
      ...job,
      aspectRatio: '3:4',
    })
    expect(toPredictJob({ instances: [{ prompt: 'a fox' }] }, DEFAULTS)).toEqual(job)
  })

  test('of predict says which parameters nobody takes', () => {
    const parameters = {
      sampleCount: 2,
      sampleImageSize: '2K' as const,
      outputOptions: { mimeType: 'image/webp' as const, compressionQuality: 80 },
      negativePrompt: 'dogs',
    }
    const body = { instances: [{ prompt: 'a fox' }], parameters }
    expect(toPredictJob(body, DEFAULTS)).toMatchObject({
      n: 2,
      imageSize: '2K',
      outputFormat: 'webp',
      outputCompression: 80,
    })
    expect(unknownParameters(body)).toMatchObject([{ param: 'negativePrompt' }])
  })

  test('is named by its pictures and words', () => {
    const job = toContentJob({ contents: [] }, 'a fox', DEFAULTS)
    expect(withKind(job, 0).kind).toBe('generate')
    expect(withKind(job, 1).kind).toBe('edit')
    expect(withKind({ ...job, prompt: '' }, 1).kind).toBe('variation')
  })

  test('takes no picture where it would be kept as JSON', () => {
    const body = { contents: [], systemInstruction: { parts: [{ inlineData: { data: picture } }] } }
    expect(() => toContentJob(body, 'a fox', DEFAULTS)).toThrow(/'systemInstruction'/)
  })
})

test('tokens in Google’s names', () => {
  const images = {
    input_tokens: 50,
    output_tokens: 100,
    total_tokens: 150,
    input_tokens_details: { text_tokens: 10, image_tokens: 40 },
    output_tokens_details: { text_tokens: 0, image_tokens: 100 },
  }
  expect(toUsageMetadata(images)).toEqual({
    promptTokenCount: 50,
    candidatesTokenCount: 100,
    totalTokenCount: 150,
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: 10 },
      { modality: 'IMAGE', tokenCount: 40 },
    ],
    candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 100 }],
  })
  const chat = {
    prompt_tokens: 10,
    completion_tokens: 1345,
    completion_tokens_details: { image_tokens: 1120, reasoning_tokens: 225 },
  }
  expect(toUsageMetadata(chat)).toEqual({
    promptTokenCount: 10,
    candidatesTokenCount: 1120,
    totalTokenCount: 1355,
    thoughtsTokenCount: 225,
    candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1120 }],
  })
  expect(toUsageMetadata()).toEqual({ promptTokenCount: 0, candidatesTokenCount: 0, totalTokenCount: 0 })
})
