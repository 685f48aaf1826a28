import { Spooled, SpooledText } from '../../bytes/spooled.ts'
import { fieldsOf } from '../read-reply.ts'
import type { Said } from './no-picture.ts'

/** One part of an answer, in either spelling. */
export interface Part {
  text?: string | Spooled | SpooledText | undefined
  /** A picture: its file, or short base64. */
  data?: unknown
  /** Not the answer, but what led to it. */
  isThought: boolean
  /** Opaque; goes back with the picture. */
  signature?: string | undefined
}

/** The parts of all candidates, in their order. */
export function partsOf(piece: unknown): Part[] {
  return candidatesOf(piece).flatMap(({ content }) => {
    const { parts } = fieldsOf(content)
    return Array.isArray(parts) ? parts.map(readPart) : []
  })
}

/** Why an answer, or a piece of one, stands without a picture; only what it says. */
export function remarksOf(piece: unknown): Omit<Said, 'text'> {
  const fields = fieldsOf(piece)
  const feedback = fieldsOf(fields.promptFeedback ?? fields.prompt_feedback)
  const candidates = candidatesOf(piece)
  const blockReason = filled(feedback.blockReason ?? feedback.block_reason)
  const finishReason = candidates.map((one) => filled(one.finishReason ?? one.finish_reason)).find(isThere)
  const message = [
    feedback.blockReasonMessage ?? feedback.block_reason_message,
    ...candidates.map((candidate) => candidate.finishMessage ?? candidate.finish_message),
  ]
    .map(filled)
    .find(isThere)
  return {
    ...(blockReason === undefined ? {} : { blockReason }),
    ...(finishReason === undefined ? {} : { finishReason }),
    ...(message === undefined ? {} : { message }),
    ratings: [feedback, ...candidates].flatMap((one) => listOf(one.safetyRatings ?? one.safety_ratings)),
  }
}

function candidatesOf(piece: unknown): readonly Readonly<Record<string, unknown>>[] {
  return listOf(fieldsOf(piece).candidates).map(fieldsOf)
}

function readPart(value: unknown): Part {
  const {
    text,
    inlineData,
    inline_data: inline,
    thought,
    thoughtSignature,
    thought_signature: signature,
  } = fieldsOf(value)
  const { data, mimeType, mime_type: type } = fieldsOf(inlineData ?? inline)
  return {
    text:
      typeof text === 'string' || text instanceof Spooled || text instanceof SpooledText ? text : undefined,
    // Models may also speak.
    data: /^(audio|video|text)\//.test(String(mimeType ?? type)) ? undefined : data,
    isThought: thought === true,
    signature: filled(thoughtSignature ?? signature),
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** An unspecified reason is none. */
function filled(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && !value.endsWith('_UNSPECIFIED') ? value : undefined
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined
}
