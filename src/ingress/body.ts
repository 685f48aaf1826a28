import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { MAX_INPUT_IMAGES } from '../../contract/job.ts'
import { AppError } from '../base/error.ts'
import { BytesError } from '../bytes/bytes-error.ts'
import { decompress } from '../bytes/decompress.ts'
import { readJson } from '../bytes/read-json.ts'
import { readMultipart } from '../bytes/read-multipart.ts'
import type { Spool, SpoolDirectory } from '../bytes/spool.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Where the pictures of this request are; gone when the reply is sent and the work of {@link holdSpool} done. */
    spool: Spool
    /** What must end before the spool may go. */
    spoolUsers: Promise<unknown>[]
  }
}

const MiB = 1024 * 1024

/** One file of an upload, as OpenAI limits it. */
export const MAX_FILE = 50 * MiB

/** Every surface that takes pictures reads its bodies through this: pictures go to files while they arrive. */
export function readBodiesIntoSpool(app: FastifyInstance, spools: SpoolDirectory): void {
  app.removeAllContentTypeParsers()
  app.addHook('onRequest', async (request, reply) => {
    request.spool = spools.scope()
    request.spoolUsers = []
    reply.raw.once('close', () => void releaseSpool(request))
  })
  app.addContentTypeParser('application/json', (request: FastifyRequest, payload: IncomingMessage) =>
    readJson(decompress(limited(payload), request.headers['content-encoding']), {
      spool: request.spool,
      maxPicture: MAX_FILE,
    }).then(withoutNulls),
  )
  app.addContentTypeParser('multipart/form-data', (request: FastifyRequest, payload: IncomingMessage) =>
    readMultipart(payload, request.headers['content-type'] ?? '', {
      spool: request.spool,
      maxFileBytes: MAX_FILE,
      maxFiles: MAX_INPUT_IMAGES + 1,
    }),
  )
  app.addContentTypeParser('*', (request: FastifyRequest, _payload: IncomingMessage) =>
    Promise.reject(
      new AppError('unsupported_media_type', {
        values: {
          got: request.headers['content-type'] ?? '',
          expected: 'application/json or multipart/form-data',
        },
      }),
    ),
  )
}

/** Most bytes of a JSON body: as many of the largest pictures as one request may hold, in base64. */
const MAX_BODY = (MAX_INPUT_IMAGES + 1) * MAX_FILE * (4 / 3)

/** The body up to the limit; the request survives an early end, so that it can be answered. */
async function* limited(payload: IncomingMessage): AsyncIterable<Uint8Array> {
  let bytes = 0
  for await (const chunk of payload.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length
    if (bytes > MAX_BODY) throw new BytesError('too_large', `it holds more than ${MAX_BODY} bytes`)
    yield chunk
  }
}

/** Keeps the spool of a request until `work` has ended, even when the client is gone before. */
export function holdSpool<T>(request: FastifyRequest, work: Promise<T>): Promise<T> {
  request.spoolUsers.push(work)
  return work
}

async function releaseSpool(request: FastifyRequest): Promise<void> {
  await Promise.allSettled(request.spoolUsers)
  await request.spool[Symbol.asyncDispose]()
}

/** Clients of typed languages send `null` for what they leave out. */
function withoutNulls(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))
}

/** Aborts when the client has gone away before the reply was sent. */
export function departure(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  if (reply.raw.destroyed) controller.abort()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort()
  })
  return controller.signal
}
