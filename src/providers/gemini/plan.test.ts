import { describe, expect, test } from 'vitest'
import type { ImageJob } from '../../../contract/job.ts'
import { refusalOf } from '../../../test/upstreams/gemini-rules.ts'
import { Spooled } from '../../bytes/spooled.ts'
import type { Inputs } from '../provider.ts'
import { ProviderError } from '../provider-error.ts'
import { traitsOf } from './models.ts'
import { isGeminiRequest, planCalls } from './plan.ts'

const EARLY = 'gemini-2.5-flash-image'
const PRO = 'gemini-3-pro-image'
const FLASH = 'gemini-3.1-flash-image'

describe('sizes', () => {
  test.each([
    [PRO, { size: '1024x1024' }, { aspectRatio: '1:1', imageSize: '1K' }, []],
    [PRO, { size: '1792x1008' }, { aspectRatio: '16:9', imageSize: '1K' }, []],
    [PRO, { size: '2048x2048' }, { aspectRatio: '1:1', imageSize: '2K' }, []],
    [PRO, { size: '1000x333' }, { aspectRatio: '21:9', imageSize: '1K' }, ['size']],
    [PRO, { size: 'auto' }, undefined, []],
    [PRO, { aspectRatio: '2:3' }, { aspectRatio: '2:3' }, []],
    [PRO, { aspectRatio: '1:2' }, { aspectRatio: '9:16' }, ['aspect_ratio']],
    [PRO, { aspectRatio: '16:9', imageSize: '4K' }, { aspectRatio: '16:9', imageSize: '4K' }, []],
    [PRO, { imageSize: '2K' }, { imageSize: '2K' }, []],
    [PRO, { imageSize: '512' }, { imageSize: '1K' }, ['image_size']],
    [FLASH, { imageSize: '512' }, { imageSize: '512' }, []],
    [EARLY, { size: '1024x1024' }, { aspectRatio: '1:1' }, []],
    [EARLY, { imageSize: '1K' }, undefined, []],
    [EARLY, { aspectRatio: '1:1', imageSize: '4K' }, { aspectRatio: '1:1' }, ['image_size']],
  ] as const)('%s: %o', (model, wishes, expected, warned) => {
    const { config, warnings } = plan(wishes, { model })
    expect(config.imageConfig).toEqual(expected)
    expect(warnings).toEqual(warned)
  })
})

describe('parameters', () => {
  test('pictures and words are asked for, with the seed', () => {
    const { body, warnings } = plan({ seed: 7 })
    expect(body).toEqual({
      contents: [{ role: 'user', parts: [{ text: 'a red fox' }] }],
      generationConfig: { responseModalities: ['TEXT', 'IMAGE'], seed: 7 },
    })
    expect(warnings).toEqual([])
  })

  test('one picture a call', () => {
    const { calls } = planCalls(request({ n: 3 }), traitsOf(PRO))
    expect(calls.map(({ images }) => images)).toEqual([1, 1, 1])
  })

  test('what the images API has and this one has not is named', () => {
    const wishes = {
      ...{ quality: 'high', style: 'vivid', background: 'transparent', moderation: 'low' },
      ...{ outputCompression: 50, outputFormat: 'webp' as const, user: 'someone', extra: { odd: 1 } },
    }
    const named = ['quality', 'style', 'background', 'output_compression', 'moderation', 'odd']
    expect(plan(wishes).warnings).toEqual(named)
    expect(plan({ quality: 'auto', background: 'auto' }).warnings).toEqual([])
  })

  test('previews are thoughts, where the model has any', () => {
    const thinking = plan({ partialImages: 2 })
    expect(thinking.config.thinkingConfig).toEqual({ includeThoughts: true })
    expect(thinking.warnings).toEqual([])
    expect(plan({ partialImages: 2 }, { model: EARLY }).warnings).toEqual(['partial_images'])
    expect(plan({ partialImages: 2 }, { model: EARLY }).config.thinkingConfig).toBeUndefined()
  })

  test('the options of a batch are the generation config, and cannot break the answer', () => {
    const extra = {
      ...{ temperature: 0.4, topP: 0.9, topK: 40, maxOutputTokens: 8192, stopSequences: ['x'], odd: 1 },
      ...{ responseModalities: ['TEXT'], candidateCount: 4, thinkingConfig: { thinkingLevel: 'HIGH' } },
      imageConfig: { aspectRatio: '9:16', image_size: '4K', personGeneration: 'ALLOW_ALL' },
    }
    const { config, body, warnings } = plan({ extra, dialect: 'batch', aspectRatio: '1:1', partialImages: 1 })
    expect(config).toEqual({
      ...{ temperature: 0.4, topP: 0.9, topK: 40, maxOutputTokens: 8192, stopSequences: ['x'], odd: 1 },
      responseModalities: ['TEXT', 'IMAGE'],
      thinkingConfig: { thinkingLevel: 'HIGH', includeThoughts: true },
      imageConfig: { aspectRatio: '1:1', imageSize: '4K', personGeneration: 'ALLOW_ALL' },
    })
    expect(Object.keys(body).sort()).toEqual(['contents', 'generationConfig'])
    expect(warnings).toEqual(['candidateCount'])
  })

  test('thoughts are asked for once, in whatever spelling', () => {
    const extra = {
      generationConfig: { thinking_config: { thinking_level: 'LOW', include_thoughts: false } },
    }
    const { config } = plan({ extra, dialect: 'gemini', partialImages: 1 })
    expect(config.thinkingConfig).toEqual({ thinkingLevel: 'LOW', includeThoughts: true })
    expect(config.thinking_config).toBeUndefined()
  })

  test('a caller of the same dialect keeps its own fields', () => {
    const safetySettings = [{ category: 'HARM_CATEGORY_HATE_SPEECH', threshold: 'BLOCK_ONLY_HIGH' }]
    const systemInstruction = { parts: [{ text: 'Draw in oil.' }] }
    const extra = {
      ...{ safetySettings, systemInstruction, tools: [{ googleSearch: {} }], model: 'other', contents: [] },
      generation_config: { topK: 1 },
      generationConfig: {
        temperature: 1,
        response_modalities: ['TEXT'],
        image_config: { aspect_ratio: '4:3' },
      },
    }
    const { body, warnings } = plan({ extra, dialect: 'gemini', imageSize: '2K' })
    expect(body).toEqual({
      ...{ safetySettings, systemInstruction, tools: [{ googleSearch: {} }] },
      contents: [{ role: 'user', parts: [{ text: 'a red fox' }] }],
      generationConfig: {
        ...{ topK: 1, temperature: 1, responseModalities: ['TEXT', 'IMAGE'] },
        imageConfig: { aspectRatio: '4:3', imageSize: '2K' },
      },
    })
    expect(warnings).toEqual([])
  })

  test('a key that is no name of a field does no harm', () => {
    const extra = JSON.parse('{"__proto__":{"temperature":2},"topK":3}')
    const { config } = plan({ extra, dialect: 'batch' })
    expect(config).toEqual({ topK: 3, responseModalities: ['TEXT', 'IMAGE'] })
  })
})

describe('references', () => {
  test('a variation is an edit with words of ours', () => {
    const { body, warnings } = plan({ kind: 'variation', prompt: '' }, { inputs: { images: [picture('a')] } })
    expect(JSON.stringify(body)).toContain('Make a variation')
    expect(warnings).toEqual([undefined])
  })

  test('a mask is not taken', () => {
    const inputs = { images: [picture('a')], mask: picture('b') }
    expect(plan({ kind: 'edit' }, { inputs }).warnings).toEqual(['mask'])
  })

  test('none where one is needed, and too many', () => {
    expect(() => plan({ kind: 'edit' })).toThrow(ProviderError)
    const images = Array.from({ length: 15 }, (_, index) => picture(String(index)))
    expect(() => plan({ kind: 'edit' }, { inputs: { images } })).toThrow(/at most 14/)
  })
})

interface Options {
  model?: string
  inputs?: Inputs
}

function request(wishes: Partial<ImageJob>, { model = PRO, inputs = { images: [] } }: Options = {}) {
  const job: ImageJob = {
    ...{ kind: 'generate', model, prompt: 'a red fox', n: 1, dialect: 'openai' },
    ...wishes,
  }
  return { job, model, inputs }
}

/** The body of the first call, which Google must take, and the parameters that are warned about. */
function plan(wishes: Partial<ImageJob>, options: Options = {}) {
  const { calls, warnings } = planCalls(request(wishes, options), traitsOf(options.model ?? PRO))
  const planned = calls[0]?.request
  if (!isGeminiRequest(planned)) throw new Error('not planned here')
  const { generationConfig } = planned.body
  const config: Record<string, unknown> = Object(generationConfig)
  if (!('odd' in config)) expect(refusalOf(planned.model, planned.body)).toBeUndefined()
  return { body: planned.body, config, warnings: warnings.map(({ param }) => param) }
}

function picture(sha256: string): Spooled {
  return new Spooled({ path: '/nowhere', sha256, bytes: 1, mime: 'image/png', width: 1, height: 1 })
}
