import { expect, test } from 'vitest'
import type { ImageJob } from '../../contract/job.ts'
import { createDemoProvider } from '../providers/demo/demo-provider.ts'
import { createProviderList } from '../providers/list.ts'
import { createOpenAiProvider } from '../providers/openai/openai-provider.ts'
import { createResizer } from '../providers/upscale/resizer.ts'
import { route } from './route.ts'

const upstream = (name: string, ...models: string[]) =>
  createOpenAiProvider({
    name,
    baseUrl: 'http://127.0.0.1:1/v1',
    apiKeys: [],
    fixedModels: models,
    timeout: 1000,
  })

const settings = {
  alias: 'pictor',
  generationTimeout: 1000,
  workers: 1,
  queueLimit: 1,
  allowPrivateUpstreams: false,
  timeZone: 'UTC',
  defaultAspectRatio: undefined,
  translation: { enabled: false, enhance: false, model: 'chatty', timeout: 1000 },
}
const demo = createDemoProvider()
const demoModel = demo.models()[0]?.id ?? ''

const resizer = createResizer(async () => {})
const gateway = {
  settings,
  resizer,
  providers: createProviderList([
    upstream('first', 'shared', 'dall-e-3'),
    upstream('second', 'shared'),
    demo,
  ]),
}

const job = (model: string, kind: ImageJob['kind'] = 'generate'): ImageJob => ({
  kind,
  model,
  dialect: 'openai',
  prompt: 'a fox',
  n: 1,
})

const namesOf = (wanted: ImageJob) =>
  route(gateway, wanted).candidates.map(({ provider, model }) => `${provider.name} ${model}`)

test('everyone who serves a model is asked, the preferred one first', () => {
  expect(namesOf(job('shared'))).toEqual(['first shared', 'second shared'])
  expect(namesOf(job(demoModel))).toEqual([`demo ${demoModel}`])
})

test('the alias stands for the first model of the preferred provider', () => {
  expect(namesOf(job('pictor'))).toEqual(['first shared', 'second shared'])
  const alone = { settings, resizer, providers: createProviderList([demo]) }
  expect(route(alone, job('pictor')).candidates).toMatchObject([{ provider: demo, model: demoModel }])
})

test('an unknown model is not found, whatever its name', () => {
  for (const model of ['nobody', '', '__proto__', 'constructor', '../shared', 'SHARED']) {
    const error = { code: 'model_not_found', param: 'model' }
    expect(() => route(gateway, job(model))).toThrow(expect.objectContaining(error))
  }
})

test('a model that takes no pictures cannot edit, and the error says so', () => {
  const error = {
    code: 'unsupported_operation',
    param: 'model',
    message: expect.stringContaining('dall-e-3'),
  }
  expect(() => route(gateway, job('dall-e-3', 'edit'))).toThrow(expect.objectContaining(error))
  expect(() => route(gateway, job('dall-e-3', 'variation'))).toThrow(expect.objectContaining(error))
  expect(namesOf(job('dall-e-3'))).toEqual(['first dall-e-3'])
})

test('the error names models that can edit, five at most', () => {
  const refusal = (...models: string[]) => {
    const only = createProviderList([upstream('only', 'dall-e-3', ...models)])
    try {
      route({ ...gateway, providers: only }, job('dall-e-3', 'edit'))
    } catch (error) {
      return String(error)
    }
    return ''
  }
  expect(refusal()).toMatch(/takes no pictures\. No model here can\.$/)
  expect(refusal('gpt-image-1', 'dall-e-2')).toMatch(/Models that can: gpt-image-1, dall-e-2\.$/)
  const many = Array.from({ length: 7 }, (_, index) => `gpt-image-1-${index}`)
  expect(refusal(...many)).toMatch(/Models that can: (gpt-image-1-\d, ){5}…$/)
})
