import { base64 } from './openai-bodies.ts'
import { type Reply, reply, sse, text } from './openai-reply.ts'
import type { Picture, PictureFormat } from './pictures.ts'
import type { RecordedRequest } from './recorded-request.ts'

/** One call to answer. */
export interface GeminiCall {
  request: RecordedRequest
  model: string
  /** Asked for with `streamGenerateContent`. */
  isStream: boolean
  /** A new picture of the size that was asked for. */
  paint(format?: PictureFormat): Promise<Picture>
}

/** One part of an answer. */
export type AnswerPart =
  | { text: string; thought?: boolean }
  | { picture: Picture; mimeType?: string; thought?: boolean; signature?: string; snake?: boolean }

/** What an answer says beside its parts. */
export interface Rest {
  finishReason?: string
  /** More fields of the candidate. */
  candidate?: Record<string, unknown>
  /** More fields of the answer. */
  answer?: Record<string, unknown>
}

/** The answer in the form that was asked for: one object, or one event for each part. */
export function answer(call: GeminiCall, parts: readonly AnswerPart[], rest: Rest = {}): Reply {
  return call.isStream ? asEvents(parts, rest) : asDocument(parts, rest)
}

export function asDocument(parts: readonly AnswerPart[], rest: Rest = {}): Reply {
  return reply(candidate(parts, rest))
}

export function asEvents(parts: readonly AnswerPart[], rest: Rest = {}): Reply {
  return sse(pieces(parts, rest).flatMap((piece) => [text('data: '), ...piece, text('\r\n\r\n')]))
}

/** What `streamGenerateContent` without `alt=sse` sends. */
export function asList(parts: readonly AnswerPart[], rest: Rest = {}): Reply {
  const all = pieces(parts, rest).flatMap((piece, index) => [text(index === 0 ? '[' : ',\r\n'), ...piece])
  return reply([...all, text(']')])
}

/** Each part in an answer of its own; only the last says how it ended. */
function pieces(parts: readonly AnswerPart[], rest: Rest): Buffer[][] {
  if (parts.length === 0) return [candidate([], rest)]
  return parts.map((part, index) => candidate([part], index === parts.length - 1 ? rest : undefined))
}

function candidate(parts: readonly AnswerPart[], rest: Rest | undefined): Buffer[] {
  const { finishReason = 'STOP', candidate: more = {}, answer: beside = {} } = rest ?? {}
  const written = parts.flatMap((part, index) => [...(index === 0 ? [] : [text(',')]), ...writePart(part)])
  const end = rest === undefined ? { index: 0 } : { index: 0, finishReason, ...more }
  const whole = {
    modelVersion: 'fake',
    responseId: 'fake-1',
    ...(rest === undefined ? {} : { usageMetadata: USAGE }),
  }
  return [
    text('{"candidates":[{"content":{"role":"model","parts":['),
    ...written,
    text(`]},${inner(end)}}],${inner({ ...whole, ...beside })}}`),
  ]
}

/** As it was seen: 1,120 tokens for a picture, and the thoughts. */
export const USAGE = {
  promptTokenCount: 10,
  candidatesTokenCount: 1120,
  thoughtsTokenCount: 225,
  totalTokenCount: 1355,
  promptTokensDetails: [{ modality: 'TEXT', tokenCount: 10 }],
  candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1120 }],
}

function writePart(part: AnswerPart): Buffer[] {
  if ('text' in part) return [text(JSON.stringify(part))]
  const { picture, mimeType = 'image/png', thought, signature, snake = false } = part
  const names = snake
    ? { data: 'inline_data', type: 'mime_type', signature: 'thought_signature' }
    : { data: 'inlineData', type: 'mimeType', signature: 'thoughtSignature' }
  const rest = { ...(thought ? { thought } : {}), ...(signature ? { [names.signature]: signature } : {}) }
  return [
    text(`{"${names.data}":{"${names.type}":"${mimeType}","data":"`),
    ...base64(picture),
    text(`"}${Object.keys(rest).length === 0 ? '' : `,${inner(rest)}`}}`),
  ]
}

/** The fields of an object as JSON, without the braces. */
function inner(fields: Record<string, unknown>): string {
  return JSON.stringify(fields).slice(1, -1)
}
