import { createHash } from 'node:crypto'
import { MAX_PROMPT_LENGTH } from '../../../contract/job.ts'
import { AppError } from '../../base/error.ts'
import { type Run, unlessEnded } from '../attempt.ts'
import { type ChatCandidate, chatCandidates } from '../chat.ts'
import type { Gateway } from '../gateway.ts'
import { askChatModel } from './ask-chat-model.ts'
import { detectLanguage } from './detect-language.ts'
import { cleanAnswer, instructionsFor, isRefusal } from './instructions.ts'
import type { KeptTranslation } from './translations.ts'

export interface PromptRequest {
  prompt: string
  /** Make it more vivid, too. */
  enhance: boolean
  /** Ask the model even where the answer is known. */
  force?: boolean
}

export interface Translation extends KeptTranslation {
  original: string
  enhanced: boolean
  cached: boolean
}

/** What an image model understands best, so it is not translated. */
const understood = (language: string): boolean => language === 'en' || language === 'und'

/** Whether a prompt is worth a call to a chat model. */
export const needsTranslation = (prompt: string): boolean => !understood(detectLanguage(prompt))

/**
 * A prompt in English. One that is English already is only sent to the model where it is to be enhanced.
 * @throws AppError `translation_not_configured` without a model to ask; `job_cancelled` when the run ends meanwhile;
 *   whatever went wrong at the upstream
 */
export async function translatePrompt(
  gateway: Gateway,
  { prompt, enhance, force = false }: PromptRequest,
  run: Run,
): Promise<Translation> {
  const language = detectLanguage(prompt)
  if (understood(language) && !enhance)
    return { original: prompt, translated: prompt, language, enhanced: false, cached: false }
  const { model, timeout } = gateway.settings.translation
  const candidates = chatCandidates(gateway, model)
  if (candidates.length === 0) throw new AppError('translation_not_configured', { values: { model } })
  const found = await unlessEnded(run, (ended) =>
    gateway.translations.find(keyOf(prompt, enhance, model), {
      force,
      signal: ended(),
      make: async (unwanted) => ({
        language,
        translated: await inTime(timeout, unwanted, (signal) =>
          ask(gateway, candidates, { prompt, enhance }, signal),
        ),
      }),
    }),
  )
  return { ...found, original: prompt, enhanced: enhance }
}

const keyOf = (...parts: [prompt: string, enhance: boolean, model: string]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex')

async function inTime<T>(
  timeout: number,
  unwanted: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = AbortSignal.timeout(timeout)
  try {
    return await work(AbortSignal.any([late, unwanted]))
  } catch (error) {
    if (!late.aborted || unwanted.aborted) throw error
    const detail = `no translation within ${timeout / 1000} s.`
    throw new AppError('upstream_timeout', { values: { detail }, cause: error })
  }
}

async function ask(
  gateway: Gateway,
  candidates: readonly ChatCandidate[],
  { prompt, enhance }: PromptRequest,
  signal: AbortSignal,
): Promise<string> {
  const messages = { instructions: instructionsFor(enhance), text: prompt }
  const answer = cleanAnswer(await askChatModel(gateway, candidates, messages, signal))
  const flaw = flawOf(answer, prompt)
  if (flaw) throw new AppError('upstream_error', { values: { detail: flaw } })
  return answer
}

function flawOf(answer: string, prompt: string): string | undefined {
  if (answer === '') return 'it answered nothing.'
  if (isRefusal(answer)) return 'it refused.'
  if (answer.length > longest(prompt)) return 'its answer is too long for a prompt.'
  return understood(detectLanguage(answer)) ? undefined : 'its answer is not English.'
}

/** An English text has some four letters for one of Chinese; an enhanced one has a paragraph more. */
const longest = (prompt: string): number => Math.min(MAX_PROMPT_LENGTH, 4000 + 8 * prompt.length)
