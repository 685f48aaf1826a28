import type { SizeTraits } from '../fit-size.ts'
import type { Capabilities } from '../provider.ts'

/** What a model of this dialect can take, with the facts that only this adapter needs. */
export interface Traits extends Capabilities, SizeTraits {
  /** How pictures to edit are sent first. */
  editForm: 'multipart' | 'json'
  /** What a JSON edit looks like: xAI's `image.url` or OpenAI's `images[].image_url`. */
  jsonEdit: 'xai' | 'openai'
  /** What to ask a chat model for that is to draw. */
  modalities: readonly string[]
}

/** A relay may put a vendor before the name, as in `openai/gpt-image-1`. */
export function nameOf(model: string): string {
  return model.slice(model.lastIndexOf('/') + 1)
}
