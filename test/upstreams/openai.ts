import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { BEHAVIOURS, type BehaviourName } from './openai-behaviours.ts'
import type { ImageCall } from './openai-bodies.ts'
import { CHAT_BEHAVIOURS, type ChatBehaviourName, type ChatCall, type ChatOptions } from './openai-chat.ts'
import { document, failure, type Reply } from './openai-reply.ts'
import { endOf, type Pace, send } from './openai-wire.ts'
import { type Picture, type PictureFormat, paint } from './pictures.ts'
import { type RecordedRequest, record } from './recorded-request.ts'

/** How to answer a call: by name, or with more to say about it. */
export type Behaviour = BehaviourOptions['name'] | BehaviourOptions

export interface BehaviourOptions extends Pace, ChatOptions {
  /** Failures and `auto` are for images and chats alike, `chat-…` is for chats. */
  name: BehaviourName | ChatBehaviourName
  /** Smallest size of a PNG in bytes; the filling does not change the pixels. */
  bytes?: number
}

export interface FakeOpenAiOptions {
  /** When set, another key is refused with 401. */
  apiKey?: string
  /** 0 lets the system choose. */
  port?: number
}

/** A running fake of an OpenAI-compatible upstream for images and chats. */
export interface FakeOpenAi {
  /** Base URL with `/v1`. */
  url: string
  /** Scheme, host and port. */
  origin: string
  /** The image and chat calls and model lists so far, oldest first; the newest 1,000 are kept. */
  requests: RecordedRequest[]
  /** What was painted so far, previews and drafts included; the newest 1,000 are kept. */
  painted: Picture[]
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

const KEPT = 1000

/** Starts the fake on 127.0.0.1. Every model answers as the real upstream would until `behave` says otherwise. */
export async function startFakeOpenAi(options: FakeOpenAiOptions = {}): Promise<FakeOpenAi> {
  const requests: RecordedRequest[] = []
  const painted: Picture[] = []
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
    if (!IMAGE_ROUTES.has(path) && path !== CHAT_ROUTE)
      return await send(response, failure(404, `Invalid URL (POST ${path})`, 'invalid_request_error', null))
    const behaviour = next(String(request.body.model))
    await send(response, await replyTo(request, behaviour, path === CHAT_ROUTE), behaviour)
  }

  function replyTo(
    request: RecordedRequest,
    behaviour: BehaviourOptions,
    isChat: boolean,
  ): Reply | Promise<Reply> {
    const { name } = behaviour
    if (isChat && isKey(CHAT_BEHAVIOURS, name)) return CHAT_BEHAVIOURS[name](chatCall(request, behaviour))
    if (!isChat && isKey(BEHAVIOURS, name)) return BEHAVIOURS[name](imageCall(request, behaviour))
    return failure(400, `"${name}" is no way to answer ${request.path}.`, 'invalid_request_error', null)
  }

  function keep(request: RecordedRequest): void {
    requests.push(request)
    if (requests.length > KEPT) requests.shift()
    for (const waiter of waiting) if (waiter.count <= requests.length) waiter.resolve()
  }

  function next(model: string): BehaviourOptions {
    const list = behaviours.get(model) ?? behaviours.get('*') ?? ['auto']
    const behaviour = (list.length > 1 ? list.shift() : list[0]) ?? 'auto'
    return typeof behaviour === 'string' ? { name: behaviour } : behaviour
  }

  function imageCall(request: RecordedRequest, options: Partial<BehaviourOptions>): ImageCall {
    const format = formatOf(request)
    return {
      request,
      format,
      kind: request.path.includes('/edits') ? 'image_edit' : 'image_generation',
      n: Number(request.body.n ?? 1),
      paint: (other = format) => paintNext(request, other, options),
      publish: (content, { type = `image/${format}`, needsKey = false, host = '127.0.0.1' } = {}) =>
        publish(`${files.size}.${format}`, { content, type, needsKey }, host),
    }
  }

  function chatCall(request: RecordedRequest, options: BehaviourOptions): ChatCall {
    return {
      request,
      options,
      paint: () => paintNext(request, 'png', options),
      publish: (content) =>
        publish(`${files.size}.png`, { content, type: 'image/png', needsKey: false }, '127.0.0.1'),
    }
  }

  async function paintNext(
    request: RecordedRequest,
    format: PictureFormat,
    { bytes, side }: Partial<BehaviourOptions>,
  ): Promise<Picture> {
    pictures += 1
    const size = side === undefined ? pixelsOf(request) : { width: side, height: side }
    const picture = await paint({ ...size, format, bytes, mark: `picture ${pictures}` })
    painted.push(picture)
    if (painted.length > KEPT) painted.shift()
    return picture
  }

  function publish(name: string, file: PublishedFile, host: string): string {
    const path = `/files/${name}`
    files.set(path, file)
    return `http://${host}:${port()}${path}`
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
    painted,
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

const CHAT_ROUTE = '/v1/chat/completions'
const IMAGE_ROUTES = new Set(['/v1/images/generations', '/v1/images/edits', '/v1/images/variations'])

function isKey<T extends object>(names: T, name: PropertyKey): name is keyof T {
  return Object.hasOwn(names, name)
}

function formatOf({ body }: RecordedRequest): PictureFormat {
  if (body.output_format === 'jpeg' || body.output_format === 'webp') return body.output_format
  return 'png'
}

function pixelsOf({ body }: RecordedRequest): { width: number; height: number } {
  const { aspect_ratio: ratio = body.aspect_ratio, image_size: tier = body.resolution }: Tiered = Object(
    body.image_config,
  )
  const [width = Number.NaN, height = Number.NaN] = String(body.size ?? ratio)
    .split(/[x:]/)
    .map(Number)
  if (!(width > 0 && height > 0)) return { width: 1024, height: 1024 }
  if (body.size !== undefined) return { width, height }
  const scale = (/^2k$/i.test(String(tier)) ? 2048 : 1024) / Math.max(width, height)
  return { width: Math.round(width * scale), height: Math.round(height * scale) }
}

/** As OpenRouter takes sizes for Gemini. */
interface Tiered {
  aspect_ratio?: unknown
  image_size?: unknown
}
