import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ASPECT_RATIOS, type ImageJob, OUTPUT_FORMATS } from '../../../contract/job.ts'
import { refusalOf } from '../../../test/upstreams/openai-rules.ts'
import { Spooled } from '../../bytes/spooled.ts'
import type { Inputs } from '../provider.ts'
import { ProviderError } from '../provider-error.ts'
import { OPENAI_MODELS, traitsOf } from './capabilities.ts'
import { isImageRequest, planCalls } from './plan.ts'

const PICTURE = new Spooled({
  path: '/spool/1',
  sha256: 'ab',
  bytes: 3,
  mime: 'image/png',
  width: 8,
  height: 8,
})

test('n is split into calls of what one can give', () => {
  expect(plan('dall-e-3', { n: 3 }).counts).toEqual([1, 1, 1])
  expect(plan('gpt-image-1', { n: 10 }).counts).toEqual([10])
  expect(plan('gpt-image-1', { n: 23 }).counts).toEqual([10, 10, 3])
})

test('previews are asked for one picture at a time, since they do not say whose they are', () => {
  const { counts, fields, warned } = plan('gpt-image-1', { n: 2, partialImages: 2 })
  expect(counts).toEqual([1, 1])
  expect(fields).toMatchObject({ stream: true, partial_images: 2, n: 1 })
  expect(warned).toEqual([])
  expect(plan('dall-e-3', { partialImages: 2 }).warned).toEqual(['partial_images'])
})

test('base64 is asked for only where the parameter exists', () => {
  expect(plan('gpt-image-1').fields).not.toHaveProperty('response_format')
  for (const model of ['dall-e-3', 'dall-e-2', 'grok-imagine-image', 'painter-9000']) {
    expect(plan(model).fields).toMatchObject({ response_format: 'b64_json' })
  }
})

test.each([
  ['gpt-image-1', 'hd', 'high'],
  ['gpt-image-1', 'standard', 'medium'],
  ['dall-e-3', 'high', 'hd'],
  ['dall-e-3', 'low', 'standard'],
  ['grok-imagine-image-2.0', 'high', 'medium'],
])('%s takes quality %s as %s and says so', (model, asked, sent) => {
  const { fields, warned } = plan(model, { quality: asked })
  expect(fields.quality).toBe(sent)
  expect(warned).toEqual(['quality'])
})

test('what says nothing is left out without a word', () => {
  const { fields, warned } = plan('dall-e-3', {
    quality: 'auto',
    background: 'auto',
    size: 'auto',
    user: 'me',
    outputFormat: 'webp',
  })
  expect(fields).toEqual({
    model: 'dall-e-3',
    prompt: 'a cat',
    n: 1,
    user: 'me',
    response_format: 'b64_json',
  })
  expect(warned).toEqual([])
})

test('what the model does not take is named', () => {
  const wishes = {
    seed: 1,
    style: 'vivid',
    background: 'opaque',
    moderation: 'low',
    quality: 'low',
    outputCompression: 5,
  }
  expect(plan('grok-imagine-image', wishes).warned.sort()).toEqual([
    'background',
    'moderation',
    'output_compression',
    'quality',
    'seed',
    'style',
  ])
})

test('unknown parameters pass to a relay of the same dialect, and cannot replace ours', () => {
  const extra = { steps: 30, model: 'other', n: 100, stream: true, image: 'x' }
  expect(plan('painter-9000', { extra })).toMatchObject({
    fields: { steps: 30, model: 'painter-9000', n: 1 },
    warned: [],
  })
  expect(plan('painter-9000', { extra }).fields).not.toHaveProperty('image')
  expect(plan('painter-9000', { extra: { steps: 30 }, dialect: 'gemini' })).toMatchObject({
    warned: ['steps'],
  })
  expect(plan('gpt-image-1', { extra: { steps: 30 } })).toMatchObject({ warned: ['steps'] })
  expect(plan('gpt-image-1', { extra: { steps: 30 } }).fields).not.toHaveProperty('steps')
})

test('a name with a vendor before it, or a date behind it, belongs to its family', () => {
  expect(plan('openai/gpt-image-1', { seed: 1 }).warned).toEqual(['seed'])
  expect(plan('gpt-image-2-2026-04-21', { size: '1920x1088' }).fields.size).toBe('1920x1088')
})

test('pictures go to the edits route, also when the caller did not say so', () => {
  const inputs = { images: [PICTURE], mask: PICTURE }
  expect(plan('gpt-image-1', { kind: 'edit', inputFidelity: 'high' }, inputs)).toMatchObject({
    request: { route: 'edits', form: 'multipart', images: [PICTURE], mask: PICTURE },
    fields: { input_fidelity: 'high' },
    warned: [],
  })
  expect(plan('gpt-image-1', {}, { images: [PICTURE] }).request).toMatchObject({ route: 'edits' })
  expect(plan('gpt-image-1').request).toMatchObject({ route: 'generations', form: 'json' })
})

test('xAI itself wants JSON, and takes no mask', () => {
  const inputs = { images: [PICTURE], mask: PICTURE }
  expect(plan('grok-imagine-image', { kind: 'edit' }, inputs, 'api.x.ai')).toMatchObject({
    request: { form: 'json', jsonEdit: 'xai', mask: undefined },
    warned: ['mask'],
  })
  expect(plan('grok-imagine-image', { kind: 'edit' }, inputs).request).toMatchObject({ form: 'multipart' })
})

test('a variation is one where the model has it, and an edit elsewhere', () => {
  const inputs = { images: [PICTURE] }
  const wishes = { kind: 'variation', prompt: '', quality: 'high' } as const
  const own = plan('dall-e-2', wishes, inputs)
  expect(own).toMatchObject({ request: { route: 'variations', form: 'multipart' }, warned: [] })
  expect(own.fields).toEqual({ model: 'dall-e-2', n: 1, response_format: 'b64_json' })
  const byEdit = plan('gpt-image-1', wishes, inputs)
  expect(byEdit).toMatchObject({ request: { route: 'edits' }, warned: [undefined] })
  expect(byEdit.fields.prompt).toMatch(/variation/)
})

test.each([
  ['dall-e-3', [PICTURE], 'model'],
  ['dall-e-2', [PICTURE, PICTURE], 'image'],
  ['grok-imagine-image', [PICTURE, PICTURE, PICTURE, PICTURE], 'image'],
  ['gpt-image-1', [], 'image'],
])('%s cannot edit that', (model, images, param) => {
  const planning = () => plan(model, { kind: 'edit' }, { images })
  expect(planning).toThrow(ProviderError)
  expect(planning).toThrow(expect.objectContaining({ kind: 'bad_param', param, maybePaid: false }))
})

test('whatever is wished for, no upstream refuses what is sent', () => {
  const word = fc.constantFrom('auto', 'low', 'high', 'hd', 'standard', 'vivid', 'transparent', 'nonsense')
  const side = fc.integer({ min: 1, max: 9000 })
  const wishes: fc.Arbitrary<Partial<ImageJob>> = fc.record(
    {
      n: fc.integer({ min: 1, max: 30 }),
      size: fc.oneof(
        fc.constant('auto'),
        fc.tuple(side, side).map((pair) => pair.join('x')),
      ),
      aspectRatio: fc.constantFrom(...ASPECT_RATIOS),
      quality: word,
      style: word,
      background: word,
      outputFormat: fc.constantFrom(...OUTPUT_FORMATS),
      outputCompression: fc.integer({ min: 0, max: 100 }),
      moderation: word,
      inputFidelity: word,
      partialImages: fc.integer({ min: 0, max: 3 }),
      seed: fc.integer(),
      user: fc.string(),
      extra: fc.dictionary(fc.string(), fc.jsonValue()),
    },
    { requiredKeys: [] },
  )
  const models = fc.constantFrom(...OPENAI_MODELS, 'grok-imagine-image', 'grok-imagine-image-2.0')
  fc.assert(
    fc.property(models, wishes, (model, wish) => {
      for (const { fields } of plan(model, wish).requests) {
        const body = JSON.parse(JSON.stringify(fields))
        expect(refusalOf({ path: '/v1/images/generations', headers: {}, body })).toBeUndefined()
      }
    }),
    { numRuns: 300 },
  )
})

function plan(
  model: string,
  wishes: Partial<ImageJob> = {},
  inputs: Inputs = { images: [] },
  host = 'relay.example',
) {
  const job: ImageJob = { kind: 'generate', model, prompt: 'a cat', n: 1, dialect: 'openai', ...wishes }
  const { calls, warnings } = planCalls({ job, model, inputs }, traitsOf(model, host))
  const requests = calls.map((call) => call.request).filter(isImageRequest)
  const [request] = requests
  if (request === undefined) throw new Error('no call')
  return {
    counts: calls.map(({ images }) => images),
    requests,
    request,
    fields: request.fields,
    warned: warnings.map(({ param }) => param),
  }
}
