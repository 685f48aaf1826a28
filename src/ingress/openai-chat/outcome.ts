import type { StoredImage } from '../../../contract/image.ts'
import { AppError, toAppError } from '../../base/error.ts'
import type { Finished } from '../../gateway/generate.ts'
import { failureText } from './failure-text.ts'
import { CHAT_TEXTS, type Language } from './texts.ts'

/** What a run came to, as far as the user is told. */
export interface Outcome {
  images: readonly StoredImage[]
  /** What went wrong with all or some of it. */
  note: string | undefined
  usage: Readonly<Record<string, unknown>> | undefined
  warnings: readonly unknown[]
}

/** Never throws: a stream that has begun can only tell of a failure. */
export async function outcomeOf(finished: Promise<Finished>, language: Language): Promise<Outcome> {
  try {
    return toOutcome(await finished, language)
  } catch (error) {
    return { images: [], note: failureText(toAppError(error), language), usage: undefined, warnings: [] }
  }
}

export function toOutcome({ task, images }: Finished, language: Language): Outcome {
  const { failed, total, usage, warnings } = task
  if (images.length === 0) {
    const error = task.error ?? new AppError('no_image', { values: { detail: '' } })
    return { images, note: failureText(error, language), usage, warnings }
  }
  const note = failed > 0 ? CHAT_TEXTS[language].missing(failed, total) : undefined
  return { images, note, usage, warnings }
}
