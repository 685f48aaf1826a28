import type { ServerResponse } from 'node:http'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { trickle } from './trickle.ts'

const FACTS = '"id":"chatcmpl-bench","created":1760000000,"model":"chat-plain"'
const REPLY_BYTES = 380
const DELTAS = 200
const DONE = 'data: [DONE]\n\n'

/** A chat completion of 380 bytes. */
export function sendReply(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': REPLY.length }).end(REPLY)
}

const REPLY = replyOf(REPLY_BYTES)

function replyOf(bytes: number): Buffer {
  const usage = '"usage":{"prompt_tokens":24,"completion_tokens":17,"total_tokens":41}'
  const reply = (content: string) =>
    `{${FACTS},"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"${content}"},"finish_reason":"stop"}],${usage}}`
  const words = 'Air scatters blue light more than red light. '
  return Buffer.from(reply(words.repeat(9).slice(0, bytes - reply('').length)))
}

/**
 * 200 deltas, each a chunk of its own. After the first comes a pause: this process has its core together with whoever waits
 * for that one, and would keep it from being read.
 */
export async function sendDeltas(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(delta('{"role":"assistant","content":""}'))
  await sleep(PAUSE)
  for (let number = 1; number < DELTAS && !response.destroyed; number += 1) {
    response.write(DELTA)
    await nextTurn()
  }
  response.end(END)
}

/** Milliseconds. */
const PAUSE = 1
const DELTA = Buffer.from(delta('{"content":" scatters"}'))
const END = Buffer.from(delta('{}', '"stop"') + DONE)

/** A picture as one line, in turns as a link in the text and in `images`. The time is that of the head. */
export async function sendDrawn(
  response: ServerResponse,
  head: Buffer,
  tail: string,
  { number, seconds }: { number: number; seconds: number },
): Promise<void> {
  const [before = '', after = ''] = delta(number % 2 === 0 ? IN_TEXT : IN_IMAGES).split('…')
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(delta('{"role":"assistant","content":""}') + before)
  await trickle(response, head, seconds)
  response.end(tail + after + END)
}

const IN_TEXT = '{"content":"![image](data:image/png;base64,…)"}'
const IN_IMAGES = '{"images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,…"}}]}'

function delta(fields: string, reason = 'null'): string {
  return `data: {${FACTS},"object":"chat.completion.chunk","choices":[{"index":0,"delta":${fields},"finish_reason":${reason}}]}\n\n`
}
