import { describe, expect, test } from 'vitest'
import type { ImageJob } from '../../contract/job.ts'
import { startFakeGemini } from '../../test/upstreams/gemini.ts'
import { startFakeOpenAi } from '../../test/upstreams/openai.ts'
import { AppError } from '../base/error.ts'
import { providerConformance } from './conformance.ts'
import { collect, firstAccount, useBench } from './conformance-bench.ts'
import { createPersonalProvider, type PersonalConfig } from './personal.ts'
import type { Provider } from './provider.ts'

const KEY = 'a-key-of-the-callers-own-123'

const make = (changes: Partial<PersonalConfig> = {}) =>
  createPersonalProvider({
    ...{ model: 'gemini-3-pro-image', apiKey: KEY, timeout: 10_000, allowPrivate: false },
    ...changes,
  })

providerConformance('the own key of a caller at Gemini', async () => {
  const fake = await startFakeGemini({ apiKey: KEY })
  const model = 'models/gemini-3-pro-image'
  return {
    provider: make({ model, apiBase: fake.origin, allowPrivate: true }),
    model,
    foreignDialect: 'openai',
    failures: { key: () => fake.behave('*', '400-key') },
    slowDown: () => fake.behave('*', 'hang'),
    close: fake.close,
  }
})

providerConformance('the own key of a caller at OpenAI', async () => {
  const fake = await startFakeOpenAi({ apiKey: KEY })
  return {
    provider: make({ model: 'gpt-image-1', apiBase: fake.url, allowPrivate: true }),
    model: 'gpt-image-1',
    failures: { key: () => fake.behave('*', '401') },
    slowDown: () => fake.behave('*', 'hang'),
    close: fake.close,
  }
})

describe('it', () => {
  test('serves the one model and tells keys apart without naming them', () => {
    const provider = make()
    expect(provider.models().map(({ id }) => id)).toEqual(['gemini-3-pro-image'])
    expect(provider.serves('gemini-3-pro-image')).toBe(true)
    expect(provider.serves('gemini-2.5-flash-image')).toBe(false)
    const { id, secret } = firstAccount(provider)
    expect(id).toMatch(/^own:[\da-f]{8}$/)
    expect(secret).toBe(KEY)
    expect(firstAccount(make({ apiKey: 'another' })).id).not.toBe(id)
    expect(firstAccount(make({ model: 'gpt-image-1' })).id).toBe(id)
  })

  test.each([
    ['gemini-9-image', 'gemini'],
    ['models/gemini-2.5-flash-image', 'gemini'],
    ['nano-banana-pro', 'gemini'],
    ['imagen-4.0-generate-001', 'gemini'],
    ['gpt-image-1', 'openai'],
    ['google/gemini-3-pro-image', 'openai'],
    ['grok-imagine-image', 'openai'],
  ])('%s is asked in the dialect of %s', (model, dialect) => {
    const [call] = make({ model }).plan({ job: job(model), model, inputs: { images: [] } }).calls
    expect(Object(call?.request).previews === undefined ? 'openai' : 'gemini').toBe(dialect)
  })

  test.each([
    ['http://example.com/v1', 'invalid_value'],
    ['ftp://example.com', 'invalid_value'],
    ['example.com', 'invalid_value'],
    ['https://example.com/v1?x=1', 'invalid_value'],
    ['https://127.0.0.1/v1', 'blocked_address'],
    ['https://10.1.2.3', 'blocked_address'],
    ['https://[::1]/v1', 'blocked_address'],
    ['https://0x7f000001/', 'blocked_address'],
    ['https://169.254.169.254/latest', 'blocked_address'],
    ['https://user:password@example.com/v1', 'blocked_address'],
  ])('an apiBase of %s is %s', (apiBase, code) => {
    const error = errorOf(() => make({ apiBase }))
    expect(error).toBeInstanceOf(AppError)
    expect(error).toMatchObject({ code, param: 'apiBase' })
    expect(String(error)).not.toContain('password@')
  })

  test('a key that fits no header is refused', () => {
    for (const apiKey of ['', 'two words', 'line\nbreak', 'schlüssel'])
      expect(errorOf(() => make({ apiKey }))).toMatchObject({ code: 'invalid_value', param: 'apiKey' })
  })
})

describe('a name of this machine', () => {
  const bench = useBench(async () => ({ provider: make({ apiBase: 'https://localhost:9/v1' }), model: '' }))
  test.each(['gemini-3-pro-image', 'gpt-image-1'])('is the mistake of the caller, for %s', async (model) => {
    const provider: Provider = make({ model, apiBase: 'https://localhost:9/v1' })
    const [call] = provider.plan({ job: job(model), model, inputs: { images: [] } }).calls
    if (call === undefined) throw new Error('no call')
    const context = { ...bench().context(), account: firstAccount(provider) }
    await expect(collect(provider.run(call, context))).rejects.toMatchObject({
      kind: 'bad_param',
      param: 'apiBase',
    })
  })
})

function job(model: string): ImageJob {
  return { kind: 'generate', model, prompt: 'a red fox', n: 1, dialect: 'batch' }
}

function errorOf(make: () => unknown): unknown {
  try {
    return make()
  } catch (error) {
    return error
  }
}
