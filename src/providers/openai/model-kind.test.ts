import { expect, test } from 'vitest'
import { configuredKind, guessedKind, isForOthers, listedKind, type ModelKind } from './model-kind.ts'

const RELAY = 'relay.example'

test.each([
  'gemini-2.5-flash-image',
  'gemini-2.5-flash-image-preview',
  'google/gemini-3-pro-image-preview',
  'models/gemini-3.1-flash-image',
  'gemini-2.0-flash-exp-image-generation',
  'nano-banana',
  'google-nano-banana-pro',
  'gpt-4o-image-vip',
  'openai/gpt-5-image-mini',
  'sora_image',
  'grok-4-imagine',
  'grok-3-imageGen',
])('%s draws in chats', (model) => {
  expect(said(listedKind(model, undefined, RELAY))).toBe('chat, draws')
  expect(said(guessedKind(model, RELAY))).toBe('chat, draws')
})

test.each([
  'gpt-image-1',
  'gpt-image-1-no-moderation',
  'chatgpt-image-latest',
  'dall-e-3',
  'grok-imagine-image',
  'grok-imagine-0.9',
  'grok-2-image',
  'x-ai/grok-2-image-1212',
  'imagen-4.0-generate-001',
  'black-forest-labs/flux.2-pro',
  'qwen-image-edit',
])('%s is an image model', (model) => {
  expect(said(listedKind(model, undefined, RELAY))).toBe('image, draws')
  expect(said(guessedKind(model, RELAY))).toBe('image, draws')
})

test.each([
  'gpt-4o',
  'chatgpt-4o-latest',
  'o3-mini',
  'anthropic/claude-sonnet-4',
  'gemini-2.5-pro',
  'grok-4',
  'gpt-4-vision-preview',
  'deepseek-chat',
  'qwen3-vl-plus',
])('%s talks', (model) => {
  expect(said(listedKind(model, undefined, RELAY))).toBe('chat')
  expect(said(guessedKind(model, RELAY))).toBe('chat')
})

test('an odd name is a chat model where it is listed and draws where it is not', () => {
  expect(said(listedKind('painter-9000', undefined, RELAY))).toBe('chat')
  expect(said(guessedKind('painter-9000', RELAY))).toBe('image, draws')
})

test('what a list says goes before the name', () => {
  expect(said(listedKind('painter-9000', ['image'], RELAY))).toBe('image, draws')
  expect(said(listedKind('gemini-3-image', ['text'], RELAY))).toBe('chat')
  expect(listedKind('omni', ['text', 'image'], RELAY)).toMatchObject({ modalities: ['image', 'text'] })
})

test('a host that draws through one API only', () => {
  expect(listedKind('black-forest-labs/flux.2-pro', ['image'], 'openrouter.ai')).toEqual({
    kind: 'chat',
    draws: true,
    modalities: ['image'],
  })
  expect(said(listedKind('openai/gpt-4o', ['text'], 'openrouter.ai'))).toBe('chat')
  const google = 'generativelanguage.googleapis.com'
  expect(said(listedKind('models/gemini-2.5-flash-image', undefined, google))).toBe('image, draws')
  expect(said(listedKind('models/gemini-2.5-pro', undefined, google))).toBe('chat')
})

test('the operator knows what an odd name is for', () => {
  const kind = (model: string, draws: boolean, chats: boolean) =>
    said(configuredKind(model, { draws, chats }, RELAY))
  expect(kind('x', true, false)).toBe('image, draws')
  expect(kind('x', false, true)).toBe('chat')
  expect(kind('x', true, true)).toBe('chat, draws')
  expect(kind('gemini-3-pro-image', true, false)).toBe('chat, draws')
  expect(kind('gemini-3-pro-image', false, true)).toBe('chat, draws')
})

test('what neither draws nor talks is not offered', () => {
  const others = [
    'text-embedding-3-small',
    'whisper-1',
    'tts-1-hd',
    'gpt-4o-mini-tts',
    'omni-moderation-latest',
  ]
  const more = ['gpt-4o-transcribe', 'gpt-realtime', 'davinci-002', 'sora-2', 'wan2.2-t2v', 'bge-reranker-v2']
  expect([...others, ...more].filter((model) => !isForOthers(model, undefined))).toEqual([])
  const ours = [
    'gpt-4o',
    'gpt-4o-audio-preview',
    'sora_image',
    'gpt-image-1',
    'gemini-2.5-flash-image',
    'kimi-k2',
  ]
  expect(ours.filter((model) => isForOthers(model, undefined))).toEqual([])
  expect(isForOthers('speaker', ['audio'])).toBe(true)
  expect(isForOthers('whisperer', ['text'])).toBe(false)
})

function said({ kind, draws }: ModelKind): string {
  return draws ? `${kind}, draws` : kind
}
