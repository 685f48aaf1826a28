import type { SizeTraits } from '../fit-size.ts'
import { NO_SUPPORT } from '../no-support.ts'
import type { Capabilities } from '../provider.ts'

/** What a model of Google's API can take. */
export interface Traits extends Capabilities, SizeTraits {}

/** Models that Google is known to have when nobody asked it yet, preferred first. */
export const GEMINI_MODELS: readonly string[] = [
  'gemini-3.1-flash-image',
  'gemini-3-pro-image',
  'gemini-3.1-flash-image-preview',
  'gemini-3-pro-image-preview',
  'gemini-2.5-flash-image',
]

/** Google's list and some clients write `models/` before a name. */
export function bareName(model: string): string {
  return model.replace(/^models\//, '')
}

/** Whether a model's name says that it is one of Google's, as opposed to one that is asked in OpenAI's dialect. */
export function isGoogleModel(model: string): boolean {
  return /^(gemini|imagen|(google-)?nano-?banana)/i.test(bareName(model))
}

/** Whether a model's name says that it answers `generateContent` with pictures. */
export function looksLikeDrawing(model: string): boolean {
  return /^(gemini-[\w.-]*image|(google-)?nano-?banana)/i.test(bareName(model))
}

export function traitsOf(model: string): Traits {
  const name = bareName(model)
  return { ...EARLY, ...FAMILIES.find(({ pattern }) => pattern.test(name))?.traits }
}

/** `imageConfig.aspectRatio`. */
const RATIOS = ['1:1', '2:3', '3:2', '3:4', '4:3', '4:5', '5:4', '9:16', '16:9', '21:9']

/** Gemini 2.5 and before: one size of picture, no thoughts. A model with one tier is not told of it: it would refuse. */
const EARLY: Traits = {
  kind: 'image',
  draws: true,
  // `candidateCount` above 1 is refused.
  maxImages: 1,
  maxReferences: 14,
  sizes: { rule: 'none' },
  aspectRatios: RATIOS,
  qualities: [],
  styles: [],
  backgrounds: [],
  outputFormats: [],
  supports: { ...NO_SUPPORT, seed: true, user: false },
  base64Only: true,
  resolutions: ['1k'],
  maxRatio: Number.POSITIVE_INFINITY,
  maxPixels: Number.POSITIVE_INFINITY,
}

/** Gemini 3 thinks before it draws, and its drafts are the previews. */
const THINKING: Partial<Traits> = {
  resolutions: ['1k', '2k', '4k'],
  supports: { ...EARLY.supports, partialImages: true },
}

/** First match wins. */
const FAMILIES: readonly { pattern: RegExp; traits: Partial<Traits> }[] = [
  {
    pattern: /^(gemini-3\.\d+-flash|(google-)?nano-?banana-2)/i,
    traits: {
      ...THINKING,
      aspectRatios: [...RATIOS, '1:4', '4:1', '1:8', '8:1'],
      resolutions: ['512', '1k', '2k', '4k'],
    },
  },
  { pattern: /^(gemini-([3-9]|\d\d)|(google-)?nano-?banana-pro)/i, traits: THINKING },
]
