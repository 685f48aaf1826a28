import { ProviderError, type ProviderErrorKind } from '../provider-error.ts'
import { fieldsOf } from '../read-reply.ts'
import { scrub } from '../scrub.ts'

/** What an answer says beside pictures. */
export interface Said {
  /** `promptFeedback.blockReason`: refused before anything was drawn. */
  blockReason?: string | undefined
  /** `finishReason`: why the model stopped. */
  finishReason?: string | undefined
  /** `blockReasonMessage` or `finishMessage`. */
  message?: string | undefined
  /** `safetyRatings` of the prompt and of the answer. */
  ratings: readonly unknown[]
  /** The model's own words; the beginning of them. */
  text: string
}

/** What to throw for an answer without a picture, in words that say what can be done. */
export function noPicture(said: Said, secret: string): ProviderError {
  const { kind, detail, param } = meaningOf(said)
  const remarks = [
    flagged(said.ratings),
    quoted('Google says', said.message),
    quoted('The model says', said.text),
  ]
  const all = [detail, ...remarks.filter((remark) => remark !== '')].join(' ')
  // A prompt that was refused was not drawn from; every other answer is billed.
  return new ProviderError(kind, {
    detail: scrub(all, secret),
    param,
    maybePaid: said.blockReason === undefined,
  })
}

interface Meaning {
  kind: ProviderErrorKind
  detail: string
  param?: string
}

function meaningOf({ blockReason, finishReason, text }: Said): Meaning {
  if (blockReason !== undefined) return BLOCKED[blockReason] ?? unknownBlock(blockReason)
  if (finishReason !== undefined && finishReason !== 'STOP')
    return FINISHED[finishReason] ?? unknownEnd(finishReason)
  if (text !== '')
    return noImage('The model answered in words only. Ask for a picture more plainly, or ask again.')
  if (finishReason === 'STOP')
    return noImage('The model stopped without a picture. Ask again, or reword the prompt.')
  return noImage('The answer holds no picture and no reason. Ask again.')
}

const moderation = (detail: string): Meaning => ({ kind: 'moderation', detail })
const noImage = (detail: string): Meaning => ({ kind: 'no_image', detail })

/** Why a prompt is refused. */
const BLOCKED: Readonly<Record<string, Meaning>> = {
  SAFETY: moderation(
    'The prompt or a picture in it was refused by the safety filter (SAFETY). Reword it, or send another picture.',
  ),
  PROHIBITED_CONTENT: moderation(
    'The prompt or a picture in it is not allowed at Google (PROHIBITED_CONTENT), whatever the safety settings. Ask for something else.',
  ),
  BLOCKLIST: moderation('The prompt holds a word that Google blocks (BLOCKLIST). Reword it.'),
  IMAGE_SAFETY: moderation(
    'A picture in the request was refused by the safety filter (IMAGE_SAFETY). Send another picture.',
  ),
  MODEL_ARMOR: moderation(
    'The prompt was refused by a filter of the Google project (MODEL_ARMOR). Reword it.',
  ),
  JAILBREAK: moderation(
    'The prompt was taken for an attempt to get around the rules (JAILBREAK). Reword it.',
  ),
  OTHER: moderation(
    'The prompt was refused without a reason (OTHER). Reword it, or leave out names and brands.',
  ),
}

/** Why a model stops without a picture. */
const FINISHED: Readonly<Record<string, Meaning>> = {
  IMAGE_SAFETY: moderation(
    'The picture was drawn and withheld by the safety filter (IMAGE_SAFETY). Reword the prompt.',
  ),
  IMAGE_PROHIBITED_CONTENT: moderation(
    'The picture would show what is not allowed at Google (IMAGE_PROHIBITED_CONTENT). Ask for something else.',
  ),
  IMAGE_RECITATION: moderation(
    'The picture came too close to an existing work (IMAGE_RECITATION). Ask for something of its own, without naming a work or an artist.',
  ),
  SAFETY: moderation('The answer was withheld by the safety filter (SAFETY). Reword the prompt.'),
  PROHIBITED_CONTENT: moderation(
    'The answer is not allowed at Google (PROHIBITED_CONTENT). Ask for something else.',
  ),
  RECITATION: moderation(
    'The answer came too close to an existing work (RECITATION). Ask for something of its own.',
  ),
  BLOCKLIST: moderation('The answer holds a word that Google blocks (BLOCKLIST). Reword the prompt.'),
  SPII: moderation('The answer would hold personal data (SPII). Leave out names, numbers and addresses.'),
  NO_IMAGE: noImage('The model drew nothing (NO_IMAGE). Ask for a picture more plainly, or ask again.'),
  IMAGE_OTHER: noImage(
    'The picture failed for a reason that Google does not name (IMAGE_OTHER). Ask again, or reword the prompt.',
  ),
  OTHER: noImage(
    'The model stopped for a reason that Google does not name (OTHER). Ask again, or reword the prompt.',
  ),
  MAX_TOKENS: noImage(
    'The model came to its limit of tokens before the picture (MAX_TOKENS). Raise maxOutputTokens or leave it out, or ask for less text.',
  ),
  LANGUAGE: {
    ...noImage('The model does not know the language of the prompt (LANGUAGE). Write it in another one.'),
    param: 'prompt',
  },
  MALFORMED_FUNCTION_CALL: noImage(
    'The model tried to use a tool and failed (MALFORMED_FUNCTION_CALL). Ask again, without tools.',
  ),
  UNEXPECTED_TOOL_CALL: noImage(
    'The model tried to use a tool that it does not have (UNEXPECTED_TOOL_CALL). Ask again, without tools.',
  ),
  TOO_MANY_TOOL_CALLS: noImage(
    'The model used tools for too long (TOO_MANY_TOOL_CALLS). Ask again, without tools.',
  ),
  MALFORMED_RESPONSE: noImage(
    'The model broke off with an answer that cannot be read (MALFORMED_RESPONSE). Ask again.',
  ),
  MISSING_THOUGHT_SIGNATURE: noImage(
    'The model misses its own notes on an earlier picture (MISSING_THOUGHT_SIGNATURE). Begin again from the picture alone.',
  ),
}

/** A reason to refuse a prompt is moderation, by whatever name. */
function unknownBlock(reason: string): Meaning {
  return moderation(`The prompt was refused (${reason}). Reword it.`)
}

function unknownEnd(reason: string): Meaning {
  const detail = `The model stopped without a picture (${reason}). Ask again, or reword the prompt.`
  return FILTERED.test(reason) ? moderation(detail) : noImage(detail)
}

const FILTERED = /safety|prohibited|recitation|blocklist|policy|moderation/i

/** Which filters struck, in words. */
function flagged(ratings: readonly unknown[]): string {
  const names = ratings.flatMap((rating) => {
    const { category, blocked } = fieldsOf(rating)
    return blocked === true && typeof category === 'string' ? [inWords(category)] : []
  })
  return names.length === 0 ? '' : `The filter names: ${[...new Set(names)].join(', ')}.`
}

/** `HARM_CATEGORY_SEXUALLY_EXPLICIT` → `sexually explicit`. */
function inWords(category: string): string {
  return category
    .replace(/^HARM_CATEGORY_/, '')
    .replaceAll('_', ' ')
    .toLowerCase()
}

function quoted(who: string, text: string | undefined): string {
  return text === undefined || text.trim() === '' ? '' : `${who}: ${text.trim()}`
}
