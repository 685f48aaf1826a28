import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'

/** Sends server-sent events as they come. */
export function sendEvents(reply: FastifyReply, events: AsyncIterable<Uint8Array>): FastifyReply {
  return sendParts(reply, events, 'text/event-stream; charset=utf-8')
}

/** Sends a body whose parts come over time. */
export function sendParts(
  reply: FastifyReply,
  parts: AsyncIterable<Uint8Array>,
  type = 'application/json; charset=utf-8',
): FastifyReply {
  reply
    .header('content-type', type)
    .header('cache-control', 'no-cache')
    // nginx would hold small chunks back.
    .header('x-accel-buffering', 'no')
  return reply.send(Readable.from(parts, { objectMode: false }))
}
