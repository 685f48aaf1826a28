import { afterAll, beforeAll, expect, test } from 'vitest'
import { startPictor, startWithUpstream, type TestGateway } from '../pictor.ts'
import { startFakeOpenAi } from '../upstreams/openai.ts'
import { eventually } from './evidence.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithUpstream()
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

const idsOf = async ({ openai }: Pick<TestGateway, 'openai'>) => {
  const ids: string[] = []
  for await (const { id } of openai.models.list()) ids.push(id)
  return ids
}

test('the list begins with the alias and holds what draws and what chats, upstreams first', async () => {
  await eventually(async () => ((await idsOf(pictor)).includes('gpt-image-1.5') ? true : undefined))
  expect(await idsOf(pictor)).toEqual(['pictor', 'gpt-image-1.5', 'gpt-4o-mini', 'demo'])
  const response = await pictor.fetch('/v1/models')
  const { object, data } = (await response.json()) as { object: string; data: unknown[] }
  expect(object).toBe('list')
  expect(data[1]).toEqual({ id: 'gpt-image-1.5', object: 'model', created: 1700000000, owned_by: 'fake' })
})

test('one model', async () => {
  expect(await pictor.openai.models.retrieve('demo')).toMatchObject({ id: 'demo', object: 'model' })
  expect(await pictor.openai.models.retrieve('pictor')).toMatchObject({ id: 'pictor', owned_by: 'pictor' })
})

test('an unknown model is 404, for questions and for pictures', async () => {
  const error = { status: 404, code: 'model_not_found', param: 'model', type: 'invalid_request_error' }
  await expect(pictor.openai.models.retrieve('gpt-5-nothing')).rejects.toMatchObject(error)
  const before = pictor.upstream.requests.length
  await expect(
    pictor.openai.images.generate({ model: 'gpt-5-nothing', prompt: 'a cat' }),
  ).rejects.toMatchObject(error)
  expect(pictor.upstream.requests).toHaveLength(before)
})

test('ids with a slash, and the models of a relay', async () => {
  const upstream = await startFakeOpenAi()
  upstream.models = [
    'vendor/flux-1',
    { id: 'vendor/painter', architecture: { output_modalities: ['image', 'text'] } },
    { id: 'vendor/image-captioner', architecture: { output_modalities: ['text'] } },
  ]
  await using both = await startPictor({
    OPENAI_BASE_URL: upstream.url,
    RELAY_BASE_URL: 'http://127.0.0.1:9/v1',
    RELAY_IMAGE_MODEL: 'grok-imagine-0.9',
    GATEWAY_MODEL: 'artist',
  })
  await eventually(async () => ((await idsOf(both)).includes('vendor/flux-1') ? true : undefined))
  expect(await idsOf(both)).toEqual([
    'artist',
    'vendor/flux-1',
    'vendor/painter',
    'vendor/image-captioner',
    'grok-imagine-0.9',
    'grok-4-fast',
    'demo',
  ])
  expect(await both.openai.models.retrieve('vendor/painter')).toMatchObject({ id: 'vendor/painter' })
  await upstream.close()
})
