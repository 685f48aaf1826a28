import type { ModelInfo } from '../provider.ts'
import { bareName, GEMINI_MODELS, looksLikeDrawing } from './models.ts'

/** What is known of the models of one upstream. */
export interface ModelList {
  all(): readonly ModelInfo[]
  serves(model: string): boolean
  /** Takes over the drawing models that the upstream lists; none change nothing. */
  learn(found: readonly ModelInfo[]): void
}

/** @param fixedModels exactly these, whatever the upstream lists */
export function createModelList(fixedModels: readonly string[] | undefined): ModelList {
  let known = (fixedModels ?? GEMINI_MODELS).map((id): ModelInfo => ({ id, created: 0, ownedBy: 'google' }))
  let mayHaveOthers = fixedModels === undefined
  return {
    all: () => known,
    serves: (model) =>
      known.some(({ id }) => bareName(id) === bareName(model)) || (mayHaveOthers && looksLikeDrawing(model)),
    learn: (found) => {
      if (fixedModels !== undefined || found.length === 0) return
      known = found.toSorted((one, other) => rank(one) - rank(other))
      mayHaveOthers = false
    },
  }
}

/** The models that we know come first, in our order: the first of all is the gateway's own choice. */
function rank({ id }: ModelInfo): number {
  const at = GEMINI_MODELS.indexOf(id)
  return at < 0 ? GEMINI_MODELS.length : at
}
