import type { Model } from '@google/genai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startWithUpstream, type TestGateway } from '../pictor.ts'
import { eventually } from './evidence.ts'
import { gemini } from './gemini.ts'

let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithUpstream()
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

async function list(config = {}): Promise<Model[]> {
  const models: Model[] = []
  for await (const model of await gemini(pictor).models.list({ config })) models.push(model)
  return models
}

const METHODS = ['generateContent', 'streamGenerateContent', 'predict']

test('the list says which models draw, whatever the size of its pages', async () => {
  const all = await eventually(async () => {
    const models = await list()
    return models.length === 4 ? models : undefined
  })
  expect(all.map(({ name, supportedActions }) => [name, supportedActions])).toEqual([
    ['models/pictor', METHODS],
    ['models/gpt-image-1.5', METHODS],
    ['models/gpt-4o-mini', []],
    ['models/demo', METHODS],
  ])
  for (const pageSize of [1, 3, 4]) expect(await list({ pageSize })).toEqual(all)
})

test('one model', async () => {
  for (const model of ['demo', 'models/demo']) {
    expect(await gemini(pictor).models.get({ model })).toMatchObject({
      name: 'models/demo',
      displayName: 'demo',
      inputTokenLimit: expect.any(Number),
    })
  }
  await expect(gemini(pictor).models.get({ model: 'vendor/none' })).rejects.toMatchObject({ status: 404 })
})

test('a wrong page is refused', async () => {
  for (const query of ['pageToken=x', 'pageSize=-1', 'pageSize=many']) {
    const response = await pictor.fetch(`/v1beta/models?${query}`)
    expect(response.status, query).toBe(400)
    const { error } = (await response.json()) as { error: { message: string } }
    expect(error.message).toContain(query.split('=')[0])
  }
})
