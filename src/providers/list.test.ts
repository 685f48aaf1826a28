import { expect, test } from 'vitest'
import { createDemoProvider } from './demo/demo-provider.ts'
import { createProviderList } from './list.ts'
import { createOpenAiProvider } from './openai/openai-provider.ts'

const upstream = (name: string, ...models: string[]) =>
  createOpenAiProvider({
    name,
    baseUrl: 'http://127.0.0.1:1/v1',
    apiKeys: [],
    fixedModels: models,
    timeout: 1000,
  })

const configured = () =>
  createProviderList([upstream('a', 'shared', 'of-a'), upstream('b', 'shared', 'of-b'), createDemoProvider()])
type List = ReturnType<typeof configured>
const names = (all: List['all']) => all.map(({ name }) => name)

test('all are in use as they are configured, until they are arranged', () => {
  const list = configured()
  expect(names(list.inUse)).toEqual(['a', 'b', 'demo'])
  expect(list.preferred()).toBe('shared')
})

test('another order changes who is asked first and what is preferred', () => {
  const list = configured()
  list.arrange({ order: ['demo', 'nobody', 'b'], disabled: [] })
  expect(names(list.inUse)).toEqual(['demo', 'b', 'a'])
  expect(names(list.serving('shared'))).toEqual(['b', 'a'])
  expect(list.preferred()).toBe('demo')
  list.arrange({ order: [], disabled: [] })
  expect(names(list.inUse)).toEqual(['a', 'b', 'demo'])
})

test('who is disabled is not asked, and its models are not offered, but it is still configured', () => {
  const list = configured()
  list.arrange({ order: ['b'], disabled: ['a', 'nobody'] })
  expect(names(list.serving('shared'))).toEqual(['b'])
  expect(names(list.listing('shared'))).toEqual(['b'])
  expect(list.serving('of-a')).toEqual([])
  expect(list.models().map(({ id }) => id)).toEqual(expect.not.arrayContaining(['of-a']))
  expect(names(list.all)).toEqual(['a', 'b', 'demo'])
})
