import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'

/** Sends server-sent events as they come. */
export function sendEvents(reply: FastifyReply, events: AsyncIterable<Uint8Array>): FastifyReply {
  reply
    .header('content-type', 'text/event-stream; charset=utf-8')
    .header('cache-control', 'no-cache')
    // nginx would hold small chunks back.
    .header('x-accel-buffering', 'no')
  return reply.send(Readable.from(events, { objectMode: false }))
}
