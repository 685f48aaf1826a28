import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BEHAVIOURS, type BehaviourName } from './openai-behaviours.ts'
import type { ImageCall } from './openai-bodies.ts'
import { document, failure, type Reply } from './openai-reply.ts'
import { type PictureFormat, paint } from './pictures.ts'
import { type RecordedRequest, record } from './recorded-request.ts'

/** How to answer an image call: by name, or with more to say about it. */
export type Behaviour = BehaviourName | BehaviourOptions

export interface BehaviourOptions {
  name: BehaviourName
  /** Milliseconds before the first byte. Default: 0. */
  delay?: number
  /** Milliseconds over which the body is spread. Default: 0. */
  over?: number
  /** Smallest size of a PNG in bytes; the filling does not change the pixels. */
  bytes?: number
}

export interface FakeOpenAiOptions {
  /** When set, another key is refused with 401. */
  apiKey?: string
  /** 0 lets the system choose. */
  port?: number
}

/** A running fake of an OpenAI-compatible upstream. */
export interface FakeOpenAi {
  /** Base URL with `/v1`. */
  url: string
  /** Scheme, host and port. */
  origin: string
  /** The image calls and model lists so far, oldest first; the newest 1,000 are kept. */
  requests: RecordedRequest[]
  /** The `authorization` of each download so far. */
  downloads: (string | undefined)[]
  /** Entries of `GET /models`; undefined answers 404. */
  models: readonly (string | Record<string, unknown>)[] | undefined
  /** Answers a model (`*`: any other) like this from now on; of a list one after the other, the last one for ever. */
  behave(model: string, behaviour: Behaviour | readonly Behaviour[]): void
  /** Resolves as soon as `requests` holds this many. */
  received(count: number): Promise<void>
  close(): Promise<void>
}

const KEPT_REQUESTS = 1000

/** Starts the fake on 127.0.0.1. Every model answers as the real upstream would until `behave` says otherwise. */
export async function startFakeOpenAi(options: FakeOpenAiOptions = {}): Promise<FakeOpenAi> {
  const requests: RecordedRequest[] = []
  const downloads: (string | undefined)[] = []
  const behaviours = new Map<string, Behaviour[]>()
  const files = new Map<string, PublishedFile>()
  const waiting: { count: number; resolve: () => void }[] = []
  let pictures = 0

  const server = createServer({ keepAliveTimeout: 30_000 }, (message, response) => {
    answer(message, response).catch(() => response.destroy())
  })

  async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (message.url ?? '').split('?')[0] ?? ''
    if (path.startsWith('/files/')) return await send(response, download(path, message))
    const request = await record(message, endOf(response))
    keep(request)
    if (options.apiKey !== undefined && request.headers.authorization !== `Bearer ${options.apiKey}`) {
      return await send(response, await BEHAVIOURS['401'](imageCall(request, {})))
    }
    if (path === '/v1/models') return await send(response, modelList())
    if (!IMAGE_ROUTES.has(path))
      return await send(response, failure(404, `Invalid URL (POST ${path})`, 'invalid_request_error', null))
    const behaviour = next(String(request.body.model))
    await send(response, await BEHAVIOURS[behaviour.name](imageCall(request, behaviour)), behaviour)
  }

  function keep(request: RecordedRequest): void {
    requests.push(request)
    if (requests.length > KEPT_REQUESTS) requests.shift()
    for (const waiter of waiting) if (waiter.count <= requests.length) waiter.resolve()
  }

  function next(model: string): BehaviourOptions {
    const list = behaviours.get(model) ?? behaviours.get('*') ?? ['auto']
    const behaviour = (list.length > 1 ? list.shift() : list[0]) ?? 'auto'
    return typeof behaviour === 'string' ? { name: behaviour } : behaviour
  }

  function imageCall(request: RecordedRequest, { bytes }: Partial<BehaviourOptions>): ImageCall {
    const format = formatOf(request)
    return {
      request,
      format,
      kind: request.path.includes('/edits') ? 'image_edit' : 'image_generation',
      n: Number(request.body.n ?? 1),
      paint: (other = format) => {
        pictures += 1
        return paint({ ...pixelsOf(request), format: other, bytes, mark: `picture ${pictures}` })
      },
      publish: (content, { type = `image/${format}`, needsKey = false, host = '127.0.0.1' } = {}) => {
        const path = `/files/${files.size}.${format}`
        files.set(path, { content, type, needsKey })
        return `http://${host}:${port()}${path}`
      },
    }
  }

  function download(path: string, message: IncomingMessage): Reply {
    downloads.push(message.headers.authorization)
    const file = files.get(path)
    if (file === undefined) return failure(404, 'no such file', 'invalid_request_error', null)
    if (file.needsKey && message.headers.authorization === undefined)
      return failure(401, 'no key', 'invalid_request_error', null)
    return { status: 200, headers: { 'content-type': file.type }, body: [file.content] }
  }

  function modelList(): Reply {
    if (fake.models === undefined) return failure(404, 'no such route', 'invalid_request_error', null)
    const data = fake.models.map((model) =>
      typeof model === 'string'
        ? { id: model, object: 'model', created: 1700000000, owned_by: 'fake' }
        : model,
    )
    return document({ object: 'list', data })
  }

  function port(): number {
    const address = server.address()
    return address !== null && typeof address === 'object' ? address.port : 0
  }

  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${port()}`
  const fake: FakeOpenAi = {
    url: `${origin}/v1`,
    origin,
    requests,
    downloads,
    models: ['gpt-image-1.5', 'gpt-4o-mini'],
    behave: (model, behaviour) => behaviours.set(model, [behaviour].flat()),
    received: async (count) => {
      if (requests.length < count) await new Promise<void>((resolve) => waiting.push({ count, resolve }))
    },
    close: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
  return fake
}

interface PublishedFile {
  content: Buffer
  type: string
  needsKey: boolean
}

const IMAGE_ROUTES = new Set(['/v1/images/generations', '/v1/images/edits', '/v1/images/variations'])

function endOf(response: ServerResponse): RecordedRequest['finished'] {
  return new Promise((resolve) => {
    response.once('close', () => resolve(response.writableFinished ? 'complete' : 'aborted'))
  })
}

async function send(
  response: ServerResponse,
  reply: Reply,
  { delay = 0, over = 0 }: Partial<BehaviourOptions> = {},
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
  const pieces = Readable.from(cutUp(reply.body, end, over), { objectMode: false })
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
async function* cutUp(parts: readonly Buffer[], end: number, over: number): AsyncIterable<Buffer> {
  const step = over > 0 ? Math.ceil(end / SLICES) : end
  let position = 0
  for (const part of parts) {
    const usable = part.subarray(0, Math.max(0, end - position))
    for (let start = 0; start < usable.length; start += step) {
      yield usable.subarray(start, start + step)
      if (over > 0) await pause(over / SLICES)
    }
    position += part.length
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref()
  })
}

function formatOf({ body }: RecordedRequest): PictureFormat {
  if (body.output_format === 'jpeg' || body.output_format === 'webp') return body.output_format
  return 'png'
}

function pixelsOf({ body }: RecordedRequest): { width: number; height: number } {
  const [width = Number.NaN, height = Number.NaN] = String(body.size ?? body.aspect_ratio)
    .split(/[x:]/)
    .map(Number)
  if (!(width > 0 && height > 0)) return { width: 1024, height: 1024 }
  if (body.size !== undefined) return { width, height }
  const scale = (body.resolution === '2k' ? 2048 : 1024) / Math.max(width, height)
  return { width: Math.round(width * scale), height: Math.round(height * scale) }
}
