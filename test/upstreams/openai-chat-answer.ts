import { base64 } from './openai-bodies.ts'
import { type Reply, reply, sse, text } from './openai-reply.ts'
import type { Picture } from './pictures.ts'
import type { RecordedRequest } from './recorded-request.ts'

/** A chat answer, whichever way it is sent. */
export interface ChatAnswer {
  /** What the deltas of a stream say after the role; a message holds all of it. Pictures are named by {@link mark}. */
  deltas: readonly Readonly<Record<string, unknown>>[]
  pictures: readonly Picture[]
  finishReason?: string
  /** A comment before each event of a stream, as OpenRouter sends while it waits. */
  comments?: boolean
}

/** What stands in a delta in place of the base64 of the picture with this index. */
export function mark(index: number): string {
  return `@@picture ${index}@@`
}

export function dataUrl(index: number): string {
  return `data:image/png;base64,${mark(index)}`
}

/** A body without a stream (OpenAI: the chat completion object). */
export function completion(request: RecordedRequest, answer: ChatAnswer): Reply {
  const message = { role: 'assistant', content: null, ...merge(answer.deltas) }
  const finishReason = answer.finishReason ?? 'stop'
  const choices = [{ index: 0, message, logprobs: null, finish_reason: finishReason }]
  const body = { ...facts(request, 'chat.completion'), choices, usage: USAGE }
  return reply(withPictures(JSON.stringify(body), answer.pictures))
}

/** A stream (OpenAI: the chat completion chunk object), each event a buffer or, with pictures in it, several. */
export function chunks(request: RecordedRequest, answer: ChatAnswer): Reply {
  const head = facts(request, 'chat.completion.chunk')
  const chunk = (delta: unknown, finishReason: string | null = null) => ({
    ...head,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
  })
  const values = [
    chunk({ role: 'assistant', content: '' }),
    ...answer.deltas.map((delta) => chunk(delta)),
    chunk({}, answer.finishReason ?? 'stop'),
    ...(wantsUsage(request) ? [{ ...head, choices: [], usage: USAGE }] : []),
  ]
  const comment = answer.comments ? ': OPENROUTER PROCESSING\n\n' : ''
  const body = values.flatMap((value) =>
    withPictures(`${comment}data: ${JSON.stringify(value)}\n\n`, answer.pictures),
  )
  return sse([...body, DONE])
}

export const DONE = text('data: [DONE]\n\n')

/** OpenRouter's count for one picture. */
const USAGE = {
  prompt_tokens: 10,
  completion_tokens: 1345,
  total_tokens: 1355,
  completion_tokens_details: { image_tokens: 1120, reasoning_tokens: 225, text_tokens: 0 },
}

function facts(request: RecordedRequest, object: string) {
  return { id: 'chatcmpl-fake', object, created: 1700000000, model: request.body.model }
}

function wantsUsage({ body }: RecordedRequest): boolean {
  const options = body.stream_options
  return typeof options === 'object' && options !== null && 'include_usage' in options
}

/** Texts are joined, lists too. */
function merge(deltas: ChatAnswer['deltas']): Record<string, unknown> {
  const message: Record<string, unknown> = {}
  for (const [name, value] of deltas.flatMap((delta) => Object.entries(delta))) {
    const before = message[name]
    if (typeof before === 'string' && typeof value === 'string') message[name] = before + value
    else if (Array.isArray(before) && Array.isArray(value)) message[name] = [...before, ...value]
    else message[name] = value
  }
  return message
}

/** Puts the base64 in place of its marks, without making one text of it. */
export function withPictures(content: string, pictures: readonly Picture[]): Buffer[] {
  return content.split(/@@picture (\d+)@@/).flatMap((piece, index) => {
    const picture = index % 2 === 1 ? pictures[Number(piece)] : undefined
    return picture === undefined ? [text(piece)] : base64(picture)
  })
}
