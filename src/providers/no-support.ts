import type { Capabilities } from './provider.ts'

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
