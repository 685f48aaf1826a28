import type { Resolution } from '../fit-size.ts'
import { NO_SUPPORT } from '../no-support.ts'
import type { ModelKind } from './model-kind.ts'
import { nameOf, type Traits } from './traits.ts'

/** The traits of a chat model. One that does not draw takes no pictures to draw from. */
export function chatTraits(model: string, { draws, modalities }: ModelKind): Traits {
  const name = nameOf(model)
  return {
    kind: 'chat',
    draws,
    maxImages: 1,
    maxReferences: draws ? MOST_REFERENCES : 0,
    sizes: { rule: 'none' },
    aspectRatios: draws ? ASPECT_RATIOS : [],
    qualities: [],
    styles: [],
    backgrounds: [],
    outputFormats: [],
    supports: NO_SUPPORT,
    base64Only: draws && /^gemini/.test(name),
    resolutions: draws ? resolutionsOf(name) : [],
    maxRatio: 1,
    maxPixels: 0,
    editForm: 'json',
    jsonEdit: 'openai',
    modalities,
  }
}

/** Gemini 3; earlier ones take fewer without a clear limit. */
const MOST_REFERENCES = 14

/** `imageConfig.aspectRatio` of Gemini (upstreams.md, A8), which gateways hand on as `image_config.aspect_ratio`. */
const ASPECT_RATIOS = ['1:1', '2:3', '3:2', '3:4', '4:3', '4:5', '5:4', '9:16', '16:9', '21:9']

function resolutionsOf(name: string): readonly Resolution[] {
  return /^(gemini-3|nano-?banana-(2|pro))/.test(name) ? ['1k', '2k', '4k'] : ['1k']
}
