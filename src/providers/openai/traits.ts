import type { Capabilities } from '../provider.ts'

/** What a model of this dialect can take, with the facts that only this adapter needs. */
export interface Traits extends Capabilities {
  /** Tiers that stand for pixels where the model takes a ratio instead of a size. */
  resolutions: readonly Resolution[]
  /** Widest allowed ratio of the long to the short side; for free sizes. */
  maxRatio: number
  /** Most pixels in all; for free sizes. */
  maxPixels: number
  /** How pictures to edit are sent first. */
  editForm: 'multipart' | 'json'
  /** What a JSON edit looks like: xAI's `image.url` or OpenAI's `images[].image_url`. */
  jsonEdit: 'xai' | 'openai'
  /** What to ask a chat model for that is to draw. */
  modalities: readonly string[]
}

export type Resolution = '1k' | '2k' | '4k'

/** A relay may put a vendor before the name, as in `openai/gpt-image-1`. */
export function nameOf(model: string): string {
  return model.slice(model.lastIndexOf('/') + 1)
}

/** A model that takes nothing beside a prompt. */
export const NO_SUPPORT: Capabilities['supports'] = {
  seed: false,
  mask: false,
  variation: false,
  partialImages: false,
  responseFormat: false,
  outputCompression: false,
  moderation: false,
  inputFidelity: false,
  user: true,
  unknownParameters: false,
}
