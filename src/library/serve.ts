import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { Type } from 'typebox'
import { OUTPUT_FORMATS, type OutputFormat } from '../../contract/job.ts'
import { AppError } from '../base/error.ts'
import type { Library } from './library.ts'
import { findServed, type Served, type Variant } from './served.ts'

const MiB = 1024 * 1024

/** Pictures up to this size are kept in memory while they are asked for often. */
const CACHED_FILE = 4 * MiB
const CACHE = 64 * MiB

/** Reads of this size keep a fast disk busy without holding much memory. */
const READ = 512 * 1024

const Params = Type.Object({
  name: Type.String({ description: 'Id of the picture, with or without a file ending.' }),
})

const ORIGINAL = {
  tags: ['Public pictures'],
  summary: 'A picture as it was made, or converted to another format',
  params: Params,
  querystring: Type.Object({ format: Type.Optional(Type.Enum([...OUTPUT_FORMATS])) }),
}

const THUMBNAIL = {
  tags: ['Public pictures'],
  summary: 'A webp thumbnail; `size` is its longer side in pixels',
  params: Params,
  querystring: Type.Object({
    size: Type.Unsafe<320 | 1280>({ type: 'integer', enum: [320, 1280], default: 320 }),
  }),
}

/**
 * Public pictures: `GET` and `HEAD /images/{id}` and `/images/{id}/thumbnail`, protected by their unguessable ids.
 * Serving writes nothing. What an id means is remembered for some seconds, so a deleted picture may be seen that long.
 */
export function publicImages(app: FastifyInstance, library: Library): void {
  const bodies = new LRUCache<string, Buffer>({ maxSize: CACHE, sizeCalculation: (body) => body.length || 1 })
  const find = rememberServed(library)

  for (const method of ['GET', 'HEAD'] as const) {
    app.route<{ Params: { name: string }; Querystring: { format?: OutputFormat } }>({
      method,
      url: '/images/:name',
      exposeHeadRoute: false,
      schema: { ...ORIGINAL, hide: method === 'HEAD' },
      handler: async (request, reply) =>
        serve(request, reply, await find(request.params.name, request.query.format ?? 'original'), bodies),
    })
    app.route<{ Params: { name: string }; Querystring: { size: 320 | 1280 } }>({
      method,
      url: '/images/:name/thumbnail',
      exposeHeadRoute: false,
      schema: { ...THUMBNAIL, hide: method === 'HEAD' },
      handler: async (request, reply) =>
        serve(request, reply, await find(request.params.name, request.query.size), bodies),
    })
  }
}

/** How long it is remembered what an id means, in ms. */
const REMEMBER = 10_000

function rememberServed(library: Library): (name: string, variant: Variant) => Promise<Served> {
  const remembered = new LRUCache<string, Served>({ max: 20_000, ttl: REMEMBER })
  return async (name, variant) => {
    const id = name.slice(0, 36)
    if (!/^(\.[a-z]{3,4})?$/.test(name.slice(36))) throw new AppError('image_not_found')
    const key = `${id} ${variant}`
    const known = remembered.get(key)
    if (known) return known
    const found = await findServed(library, id, variant)
    if (found === undefined) throw new AppError('image_not_found')
    remembered.set(key, found)
    return found
  }
}

async function serve(
  request: FastifyRequest,
  reply: FastifyReply,
  file: Served,
  bodies: LRUCache<string, Buffer>,
) {
  reply.headers(file.headers)
  if (isUnchanged(request, file.etag)) return reply.code(304).send()
  const range = request.method === 'GET' ? rangeOf(request, file) : undefined
  if (range === 'unsatisfiable') {
    return reply.code(416).header('content-range', `bytes */${file.bytes}`).send()
  }
  if (range) {
    reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${file.bytes}`)
    reply.header('content-length', range.end - range.start + 1)
    return reply.send(createReadStream(file.path, { ...range, highWaterMark: READ }))
  }
  reply.header('content-length', file.bytes)
  if (request.method === 'HEAD') return reply.send()
  if (file.bytes > CACHED_FILE) return reply.send(createReadStream(file.path, { highWaterMark: READ }))
  const body = bodies.get(file.path) ?? (await readWhole(file.path))
  bodies.set(file.path, body)
  return reply.send(body)
}

async function readWhole(path: string): Promise<Buffer> {
  await using file = await open(path)
  return file.readFile()
}

function isUnchanged(request: FastifyRequest, etag: string): boolean {
  const condition = request.headers['if-none-match']
  if (condition === undefined) return false
  return condition === '*' || condition.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}

/** The one range that a request asks for; undefined where the whole file is the right answer (several ranges, an outdated `If-Range`). */
function rangeOf(request: FastifyRequest, { bytes, etag }: Served) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '')
  if (match === null || (match[1] === '' && match[2] === '')) return undefined
  const condition = request.headers['if-range']
  if (condition !== undefined && condition !== etag) return undefined
  const [, first = '', last = ''] = match
  const start = first === '' ? Math.max(0, bytes - Number(last)) : Number(first)
  const end = first === '' || last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1)
  return start > end || (first === '' && last === '0') ? 'unsatisfiable' : { start, end }
}
