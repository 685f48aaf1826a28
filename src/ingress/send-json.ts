import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { writeJson } from '../bytes/write-json.ts'

/** Sends a value whose pictures are read from their files while the socket drains. */
export function sendJson(reply: FastifyReply, value: unknown): FastifyReply {
  const { length, chunks } = writeJson(value)
  reply.header('content-type', 'application/json; charset=utf-8').header('content-length', length)
  return reply.send(Readable.from(chunks(), { objectMode: false, highWaterMark: 256 * 1024 }))
}
