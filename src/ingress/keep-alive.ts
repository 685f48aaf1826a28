import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { toAppError } from '../base/error.ts'
import { writeJson } from '../bytes/write-json.ts'
import type { ErrorShape } from './error-reply.ts'
import { sendJson } from './send-json.ts'

export interface SlowAnswer {
  /** Whether a long silence is filled with white space (`KEEPALIVE_JSON`). */
  keepAlive: boolean
  /** How an error is worded when a status has been promised already. */
  shape: ErrorShape
}

/** Sends a JSON body that may take minutes to come. */
export async function sendWhenReady(
  body: Promise<unknown>,
  { keepAlive, shape }: SlowAnswer,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (!keepAlive || !(await isSlow(body))) return sendJson(reply, await body)
  const told = body.catch((error: unknown) => shape(toAppError(error), request))
  reply.header('content-type', 'application/json; charset=utf-8')
  return reply.send(Readable.from(afterWhiteSpace(told), { objectMode: false }))
}

/** When a silent JSON reply begins to send white space, and how often, in ms. */
const SILENCE = 25_000
const WHITE_SPACE_EVERY = 10_000

async function isSlow(body: Promise<unknown>): Promise<boolean> {
  const settled = body.then(
    () => false,
    () => false,
  )
  return Promise.race([settled, sleep(SILENCE, true, { ref: false })])
}

async function* afterWhiteSpace(body: Promise<unknown>): AsyncIterable<Uint8Array> {
  let done = false
  void body.finally(() => {
    done = true
  })
  while (!done) {
    yield Buffer.from(' ')
    await Promise.race([body, sleep(WHITE_SPACE_EVERY, undefined, { ref: false })])
  }
  yield* writeJson(await body).chunks()
}
