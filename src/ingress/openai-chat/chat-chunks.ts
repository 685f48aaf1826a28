/** What every chunk of a chat stream says of its answer. */
export interface AnswerFacts {
  /** `chatcmpl-…` */
  id: string
  /** As the client named it. */
  model: string
  /** Seconds since the epoch. */
  created: number
}

/** The chunks of one chat stream as server-sent events (https://platform.openai.com/docs/api-reference/chat-streaming). */
export interface ChatChunks {
  delta(delta: Readonly<Record<string, unknown>>): Uint8Array
  finish(more: Readonly<Record<string, unknown>>): Uint8Array
  usage(usage: Readonly<Record<string, number>>): Uint8Array
}

export const DONE: Uint8Array = Buffer.from('data: [DONE]\n\n')

export function createChatChunks({ id, model, created }: AnswerFacts): ChatChunks {
  const event = (choices: unknown[], more: object) => {
    const chunk = { id, object: 'chat.completion.chunk', created, model, choices, ...more }
    return Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`)
  }
  return {
    delta: (delta) => event([{ index: 0, delta, finish_reason: null }], {}),
    finish: (more) => event([{ index: 0, delta: {}, finish_reason: 'stop' }], more),
    usage: (usage) => event([], { usage }),
  }
}
