import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { Type } from 'typebox'
import { OUTPUT_FORMATS, type OutputFormat } from '../../contract/job.ts'
import { AppError } from '../base/error.ts'
import type { ByteRange } from '../storage/storage.ts'
import { attachment } from './export/names.ts'
import type { Library } from './library.ts'
import { missing } from './missing.ts'
import { passThrough } from './objects/elsewhere.ts'
import { findServed } from './served.ts'
import type { Served, Variant } from './served-memory.ts'

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

/** Answers requests for pictures; see {@link createPictureServer}. */
export type PictureServer = (
  request: FastifyRequest,
  reply: FastifyReply,
  wanted: WantedPicture,
) => Promise<FastifyReply>

export interface WantedPicture {
  /** Id of the picture, with or without a file ending. */
  name: string
  variant: Variant
  /** Whether a browser shall save it instead of showing it. */
  download?: boolean
}

/**
 * Sends pictures with everything that caches and players ask for: ETag, 304, ranges, HEAD. Serving writes nothing. What
 * an id means is remembered for some seconds, so a picture that another process deletes may be seen that long.
 *
 * @throws {AppError} `image_not_found`
 */
export function createPictureServer(library: Library): PictureServer {
  const bodies = new LRUCache<string, Buffer>({ maxSize: CACHE, sizeCalculation: (body) => body.length || 1 })
  const answer = async (request: FastifyRequest, reply: FastifyReply, wanted: WantedPicture) => {
    const { name, variant, download = false } = wanted
    const file = await find(library, name, variant)
    reply.headers(file.headers)
    if (download) reply.header('content-disposition', attachment(file.fileName))
    if (file.address !== undefined && !download && !isUnchanged(request, file.etag))
      return reply.header('cache-control', REDIRECTED).redirect(file.address, 302)
    return serve(library, request, reply, file, bodies)
  }
  return async (request, reply, wanted) => {
    try {
      return await answer(request, reply, wanted)
    } catch (error) {
      // The file may have gone from the disk since it was looked up; the object storage still has it.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
      library.served.drop(wanted.name.slice(0, 36))
      return answer(request, reply, wanted)
    }
  }
}

/** Shorter than the time for which a signed address works. */
const REDIRECTED = 'public, max-age=600'

/** Public pictures: `GET` and `HEAD /images/{id}` and `/images/{id}/thumbnail`, protected by their unguessable ids. */
export function publicImages(app: FastifyInstance, serve: PictureServer): void {
  for (const method of ['GET', 'HEAD'] as const) {
    app.route<{ Params: { name: string }; Querystring: { format?: OutputFormat } }>({
      method,
      url: '/images/:name',
      exposeHeadRoute: false,
      schema: { ...ORIGINAL, hide: method === 'HEAD' },
      handler: (request, reply) =>
        serve(request, reply, { ...request.params, variant: request.query.format ?? 'original' }),
    })
    app.route<{ Params: { name: string }; Querystring: { size: 320 | 1280 } }>({
      method,
      url: '/images/:name/thumbnail',
      exposeHeadRoute: false,
      schema: { ...THUMBNAIL, hide: method === 'HEAD' },
      handler: (request, reply) => serve(request, reply, { ...request.params, variant: request.query.size }),
    })
  }
}

async function find(library: Library, name: string, variant: Variant): Promise<Served> {
  const id = name.slice(0, 36)
  if (!/^(\.[a-z]{3,4})?$/.test(name.slice(36))) throw new AppError('image_not_found')
  const known = library.served.get(id, variant)
  if (known) return known
  const found = await findServed(library, id, variant)
  if (found === undefined) throw new AppError('image_not_found')
  library.served.set(id, variant, found)
  return found
}

async function serve(
  library: Library,
  request: FastifyRequest,
  reply: FastifyReply,
  file: Served,
  bodies: LRUCache<string, Buffer>,
) {
  if (isUnchanged(request, file.etag)) return reply.code(304).send()
  const range = request.method === 'GET' ? rangeOf(request, file) : undefined
  if (range === 'unsatisfiable') {
    return reply.code(416).header('content-range', `bytes */${file.bytes}`).send()
  }
  if (range) {
    reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${file.bytes}`)
    reply.header('content-length', range.end - range.start + 1)
    return reply.send(await bytesOf(library, file, range))
  }
  reply.header('content-length', file.bytes)
  if (request.method === 'HEAD') return reply.send()
  if (file.path === undefined || file.bytes > CACHED_FILE) return reply.send(await bytesOf(library, file))
  const body = bodies.get(file.path) ?? (await readWhole(file.path))
  bodies.set(file.path, body)
  return reply.send(body)
}

/** Opened before anything is said of it, so that one that is gone can still be had otherwise. */
async function bytesOf({ objects }: Library, file: Served, range?: ByteRange): Promise<Readable> {
  if (file.path === undefined) {
    if (objects === undefined) throw missing(file.blob.sha256)
    return passThrough(objects, file.blob, range)
  }
  const handle = await open(file.path)
  return handle.createReadStream({ ...range, highWaterMark: READ })
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
