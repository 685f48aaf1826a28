import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Reply } from './openai-reply.ts'
import type { RecordedRequest } from './recorded-request.ts'

/** How the bytes of a reply come. */
export interface Pace {
  /** Milliseconds before the first byte. Default: 0. */
  delay?: number
  /** Milliseconds over which the body is spread. Default: 0. */
  over?: number
  /** Milliseconds after each part, for a stream each event. Default: 0. */
  every?: number
}

export function endOf(response: ServerResponse): RecordedRequest['finished'] {
  return new Promise((resolve) => {
    response.once('close', () => resolve(response.writableFinished ? 'complete' : 'aborted'))
  })
}

export async function send(
  response: ServerResponse,
  reply: Reply,
  { delay = 0, over = 0, every = 0 }: Pace = {},
): Promise<void> {
  if (delay > 0) await pause(delay)
  if (reply.fault === 'hang' || response.destroyed) return
  if (reply.fault === 'reset') return void response.socket?.resetAndDestroy()
  const length = reply.body.reduce((sum, part) => sum + part.length, 0)
  response.writeHead(reply.status, {
    'x-request-id': 'req_fake',
    ...reply.headers,
    ...lengthHeader(reply, length),
  })
  const end = reply.fault === 'cut' ? Math.floor(length / 2) : length
  const pieces = Readable.from(cutUp(reply.body, end, over, every), { objectMode: false })
  await pipeline(pieces, response, { end: reply.fault === undefined }).catch(() => pieces.destroy())
  if (reply.fault === 'cut') response.socket?.destroySoon()
}

/** Parts in which a slow body is sent. */
const SLICES = 50

/** A stream has no length; everything else says it, as the real ones do. */
function lengthHeader(reply: Reply, length: number): Record<string, string> {
  return reply.headers?.['content-type']?.startsWith('text/event-stream')
    ? {}
    : { 'content-length': String(length) }
}

/** The first `end` bytes, spread over so many milliseconds. */
async function* cutUp(
  parts: readonly Buffer[],
  end: number,
  over: number,
  every: number,
): AsyncIterable<Buffer> {
  const step = over > 0 ? Math.ceil(end / SLICES) : end
  let position = 0
  for (const part of parts) {
    const usable = part.subarray(0, Math.max(0, end - position))
    for (let start = 0; start < usable.length; start += step) {
      yield usable.subarray(start, start + step)
      if (over > 0) await pause(over / SLICES)
    }
    position += part.length
    if (every > 0 && position < end) await pause(every)
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref()
  })
}
