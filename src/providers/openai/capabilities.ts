import { NO_SUPPORT } from '../no-support.ts'
import { chatTraits } from './chat-capabilities.ts'
import { guessedKind, type ModelKind } from './model-kind.ts'
import { nameOf, type Traits } from './traits.ts'

/** The traits of a model at a host. */
export function traitsOf(model: string, host: string, known: ModelKind = guessedKind(model, host)): Traits {
  if (known.kind === 'chat') return chatTraits(model, known)
  const name = nameOf(model)
  const family = FAMILIES.find(({ pattern }) => pattern.test(name))
  return { ...RELAY, ...family?.traits, ...HOSTS[host] }
}

/** Models that api.openai.com is known to have when nobody asked it yet. */
export const OPENAI_MODELS = [
  'gpt-image-2',
  'gpt-image-1.5',
  'gpt-image-1',
  'gpt-image-1-mini',
  'chatgpt-image-latest',
  'dall-e-3',
  'dall-e-2',
] as const

/** An unknown model of an unknown relay: trusted to know what it is asked, since a wrong guess of ours would hide it. */
const RELAY: Traits = {
  kind: 'image',
  draws: true,
  maxImages: 10,
  maxReferences: 16,
  sizes: { rule: 'free', step: 1, max: 16_384 },
  aspectRatios: [],
  qualities: ['auto', 'low', 'medium', 'high', 'standard', 'hd'],
  styles: ['vivid', 'natural'],
  backgrounds: ['auto', 'transparent', 'opaque'],
  outputFormats: ['png', 'jpeg', 'webp'],
  supports: {
    seed: true,
    mask: true,
    variation: false,
    partialImages: false,
    responseFormat: true,
    outputCompression: true,
    moderation: true,
    inputFidelity: true,
    user: true,
    unknownParameters: true,
  },
  base64Only: false,
  resolutions: [],
  maxRatio: Number.POSITIVE_INFINITY,
  maxPixels: Number.POSITIVE_INFINITY,
  editForm: 'multipart',
  jsonEdit: 'openai',
  modalities: [],
}

const GPT_IMAGE: Partial<Traits> = {
  sizes: { rule: 'list', list: ['auto', '1024x1024', '1536x1024', '1024x1536'] },
  qualities: ['auto', 'low', 'medium', 'high'],
  styles: [],
  supports: {
    ...NO_SUPPORT,
    mask: true,
    partialImages: true,
    outputCompression: true,
    moderation: true,
    inputFidelity: true,
  },
  base64Only: true,
}

const XAI: Partial<Traits> = {
  maxReferences: 3,
  sizes: { rule: 'none' },
  // docs.x.ai; `auto` is what happens when it is not sent.
  aspectRatios: [
    '1:1',
    '3:4',
    '4:3',
    '9:16',
    '16:9',
    '2:3',
    '3:2',
    '9:19.5',
    '19.5:9',
    '9:20',
    '20:9',
    '1:2',
    '2:1',
  ],
  resolutions: ['1k', '2k'],
  qualities: [],
  styles: [],
  backgrounds: [],
  outputFormats: [],
  supports: { ...NO_SUPPORT, responseFormat: true },
  jsonEdit: 'xai',
}

/** First match wins; dated ids (`gpt-image-2-2026-04-21`) belong to their family. */
const FAMILIES: readonly { pattern: RegExp; traits: Partial<Traits> }[] = [
  {
    pattern: /^gpt-image-2/,
    traits: {
      ...GPT_IMAGE,
      sizes: { rule: 'free', step: 16, max: 3840 },
      maxRatio: 3,
      maxPixels: 3840 * 2160,
    },
  },
  {
    pattern: /^gpt-image-1-mini/,
    traits: { ...GPT_IMAGE, supports: { ...NO_SUPPORT, ...GPT_IMAGE.supports, inputFidelity: false } },
  },
  { pattern: /^(gpt-image|chatgpt-image)/, traits: GPT_IMAGE },
  {
    pattern: /^dall-e-3/,
    traits: {
      maxImages: 1,
      maxReferences: 0,
      sizes: { rule: 'list', list: ['1024x1024', '1792x1024', '1024x1792'] },
      qualities: ['standard', 'hd'],
      backgrounds: [],
      outputFormats: [],
      supports: { ...NO_SUPPORT, responseFormat: true },
    },
  },
  {
    pattern: /^dall-e-2/,
    traits: {
      maxReferences: 1,
      sizes: { rule: 'list', list: ['256x256', '512x512', '1024x1024'] },
      qualities: [],
      styles: [],
      backgrounds: [],
      outputFormats: [],
      supports: { ...NO_SUPPORT, mask: true, variation: true, responseFormat: true },
    },
  },
  { pattern: /^grok-imagine-image-2/, traits: { ...XAI, qualities: ['low', 'medium'] } },
  { pattern: /^grok-imagine/, traits: XAI },
  { pattern: /^grok-2-image/, traits: { ...XAI, maxReferences: 0, aspectRatios: [], resolutions: [] } },
  { pattern: /^gemini/, traits: { base64Only: true } },
]

/** What holds for every model of a host. */
const HOSTS: Readonly<Record<string, Partial<Traits>>> = {
  // Multipart edits are refused; relays of the same models want them.
  'api.x.ai': { editForm: 'json' },
}
