import { BytesError } from './bytes-error.ts'

/** Looking for the position of an error means parsing again and again. */
const LONGEST_SEARCH = 64 * 1024

/**
 * What is wrong with a text that is no JSON, for people.
 * @param bodyOffset from a byte of the text to one of the body
 */
export function explainJsonError(
  text: string,
  error: unknown,
  bodyOffset: (position: number) => number,
): BytesError {
  if (text.trim() === '') return new BytesError('invalid_json', 'it is empty', { offset: 0, cause: error })
  if (text.trimStart().startsWith('<')) {
    return new BytesError('invalid_json', `it is ${describeMarkup(text)}`, { offset: 0, cause: error })
  }
  const message = error instanceof Error ? error.message : ''
  const position = findPosition(text, message)
  const offset = position === undefined ? undefined : bodyOffset(Buffer.byteLength(text.slice(0, position)))
  if (isCut(text, message, position))
    return new BytesError('truncated', 'the JSON ends too early', { offset, cause: error })
  const where = offset === undefined ? '' : ` at byte ${offset}`
  return new BytesError('invalid_json', `it is not JSON${where}: ${reason(message)}`, {
    offset,
    cause: error,
  })
}

function describeMarkup(text: string): string {
  const title = /<title[^>]*>([^<]{1,200})/i.exec(text)?.[1]?.replaceAll(/\s+/g, ' ').trim().slice(0, 80)
  if (title) return `an HTML page with the title "${title}"`
  return /^\s*<(?:!doctype html|html|head|body)/i.test(text) ? 'an HTML page' : 'HTML or XML'
}

/** V8 names the position in some of its messages only. */
function findPosition(text: string, message: string): number | undefined {
  const named = / at position (\d+)/.exec(message)?.[1]
  if (named !== undefined) return Number(named)
  if (message.startsWith('Unexpected end')) return text.length
  return text.length > LONGEST_SEARCH ? undefined : searchToken(text)
}

/** The shortest beginning of the text that is already wrong, less its last character. */
function searchToken(text: string): number {
  let right = 0
  let wrong = text.length
  while (wrong - right > 1) {
    const middle = Math.floor((right + wrong) / 2)
    if (hasUnexpectedToken(text.slice(0, middle))) wrong = middle
    else right = middle
  }
  return right
}

function hasUnexpectedToken(text: string): boolean {
  try {
    JSON.parse(text)
    return false
  } catch (error) {
    return error instanceof Error && error.message.startsWith('Unexpected token')
  }
}

function isCut(text: string, message: string, position: number | undefined): boolean {
  if (message.startsWith('Unterminated string') || message.startsWith('Unexpected end')) return true
  return position !== undefined && position >= text.trimEnd().length
}

/** The first half of V8's message: the second quotes the text. */
function reason(message: string): string {
  const short = message
    .replace(/,? (?:\.{3})?"[\s\S]*is not valid JSON$/, '')
    .replace(/ in JSON at position[\s\S]*$/, '')
  return short === '' ? 'unexpected text' : short.charAt(0).toLowerCase() + short.slice(1)
}
