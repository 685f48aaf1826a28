import { AppError } from '../../base/error.ts'
import type { ChatReply } from '../../providers/provider.ts'
import { ProviderError } from '../../providers/provider-error.ts'
import { fieldsOf, parseJson } from '../../providers/read-reply.ts'
import { type ChatCandidate, passOn } from '../chat.ts'
import { toClientError } from '../failure.ts'
import type { Gateway } from '../gateway.ts'

/** Longest answer that is read, in bytes. */
const MOST_BYTES = 512 * 1024

/**
 * Asks a chat model one thing and returns the whole of its answer.
 * @throws AppError what the upstream's failure, refusal or unfinished answer becomes; the signal's reason
 */
export async function askChatModel(
  gateway: Gateway,
  candidates: readonly ChatCandidate[],
  messages: { instructions: string; text: string },
  signal: AbortSignal,
): Promise<string> {
  await using spool = gateway.spools.scope()
  const body = {
    messages: [
      { role: 'system', content: messages.instructions },
      { role: 'user', content: messages.text },
    ],
    stream: false,
  }
  let reply: ChatReply | undefined
  const stop = () => reply?.discard()
  signal.addEventListener('abort', stop)
  try {
    const accepted = await passOn(gateway, candidates, body, { spool, cancelled: signal, abandoned: signal })
    reply = accepted.reply
    signal.throwIfAborted()
    return answerIn(reply, await readAll(reply))
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw error instanceof ProviderError ? toClientError(error) : error
  } finally {
    signal.removeEventListener('abort', stop)
    reply?.discard()
  }
}

async function readAll({ body }: ChatReply): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > MOST_BYTES) throw wrong('its answer is far too long.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Some relays stream whatever they are asked for. */
function answerIn(reply: ChatReply, text: string): string {
  const values = reply.isStream ? eventsIn(text) : [parseJson(text)]
  const parts = values.map((value) => {
    const failure = reply.failureIn(value)
    if (failure) throw toClientError(failure)
    return partIn(value)
  })
  return parts.join('')
}

const eventsIn = (text: string): unknown[] =>
  text
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => parseJson(line.slice('data:'.length)))

function partIn(value: unknown): string {
  const { choices } = fieldsOf(value)
  const choice = fieldsOf(Array.isArray(choices) ? choices[0] : undefined)
  const message = fieldsOf(choice.message ?? choice.delta)
  if (typeof message.refusal === 'string' && message.refusal !== '') throw wrong('it refused.')
  if (choice.finish_reason === 'content_filter') throw wrong('its answer was blocked by moderation.')
  if (choice.finish_reason === 'length') throw wrong('its answer was cut.')
  return textOf(message.content)
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content
    .map((part) => fieldsOf(part).text)
    .filter((text) => typeof text === 'string')
    .join('')
}

const wrong = (detail: string) => new AppError('upstream_error', { values: { detail } })
