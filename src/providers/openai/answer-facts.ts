import type { ImageEvent } from '../provider.ts'
import { ProviderError } from '../provider-error.ts'
import { scrub } from '../scrub.ts'

/** What the upstream says that it made. */
export function detailsOf(body: unknown): Record<string, unknown> {
  const fields = fieldsOf(body)
  const known = ['size', 'quality', 'background', 'output_format'].filter(
    (name) => typeof fields[name] === 'string',
  )
  return Object.fromEntries(known.map((name) => [name, fields[name]]))
}

/** The count of an answer, in the names of the images API. */
export function* usageOf(body: unknown): Iterable<ImageEvent> {
  const { usage } = fieldsOf(body)
  if (typeof usage !== 'object' || usage === null) return
  const entries = Object.entries(usage).map(([name, value]) => [USAGE_NAMES[name] ?? name, value])
  yield { type: 'usage', usage: Object.fromEntries(entries) }
}

const USAGE_NAMES: Readonly<Record<string, string>> = {
  prompt_tokens: 'input_tokens',
  completion_tokens: 'output_tokens',
  prompt_tokens_details: 'input_tokens_details',
  completion_tokens_details: 'output_tokens_details',
}

/** The part of an answer without pictures in which an error may stand: OpenRouter puts it into the choice. */
export function failedPart(body: unknown): unknown {
  return choicesOf(body).find((choice) => fieldsOf(choice).error) ?? body
}

/** Whether a chat answer, or a piece of one, says that a filter withheld it. */
export function isFiltered(body: unknown): boolean {
  return choicesOf(body).some((choice) => {
    const { finish_reason: own, native_finish_reason: native } = fieldsOf(choice)
    return FILTERED.test(`${own} ${native}`)
  })
}

/** OpenAI's reason and those of Gemini, with and without `IMAGE_`. */
const FILTERED = /content_filter|safety|prohibited|recitation|blocklist/i

/** What to throw for an answer without a picture. A chat model often says why. */
export function noPicture(filtered: boolean, text: string, secret: string): ProviderError {
  const said = scrub(text, secret)
  if (filtered) {
    const detail = said || 'the upstream withheld the picture'
    return new ProviderError('moderation', { detail, code: 'content_filter', maybePaid: true })
  }
  const detail = said === '' ? 'the answer holds no picture' : `the model answered in words: ${said}`
  return new ProviderError('no_image', { detail, maybePaid: true })
}

export function choicesOf(body: unknown): readonly unknown[] {
  const { choices } = fieldsOf(body)
  return Array.isArray(choices) ? choices : []
}

/** The fields of an object; none for everything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
