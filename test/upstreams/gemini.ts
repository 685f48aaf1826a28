import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { behaviourNamed, type GeminiBehaviourName } from './gemini-behaviours.ts'
import type { GeminiCall } from './gemini-bodies.ts'
import { badKey, failure } from './gemini-failures.ts'
import { document, type Reply } from './openai-reply.ts'
import { endOf, type Pace, send } from './openai-wire.ts'
import { type Picture, type PictureFormat, paint } from './pictures.ts'
import { type RecordedRequest, record } from './recorded-request.ts'

/** How to answer a call: by name, or with more to say about it. */
export type GeminiBehaviour = GeminiBehaviourName | GeminiBehaviourOptions

export interface GeminiBehaviourOptions extends Pace {
  name: GeminiBehaviourName
  /** Smallest size of a PNG in bytes; the filling does not change the pixels. */
  bytes?: number
  /** Pixels on each side. Default: what was asked for. */
  side?: number
}

export interface FakeGeminiOptions {
  /** When set, another key is refused. */
  apiKey?: string
  /** 0 lets the system choose. */
  port?: number
}

/** A running fake of Google's Gemini API. */
export interface FakeGemini {
  /** Base URL with `/v1beta`. */
  url: string
  /** Scheme, host and port. */
  origin: string
  /** The calls and model lists so far, oldest first; the newest 1,000 are kept. */
  requests: RecordedRequest[]
  /** What was painted so far, drafts included; the newest 1,000 are kept. */
  painted: Picture[]
  /** Entries of `GET /models`, which come in pages of `pageSize`; undefined answers 404. */
  models: readonly (string | Record<string, unknown>)[] | undefined
  pageSize: number
  /** Answers a model (`*`: any other) like this from now on; of a list one after the other, the last one for ever. */
  behave(model: string, behaviour: GeminiBehaviour | readonly GeminiBehaviour[]): void
  /** Resolves as soon as `requests` holds this many. */
  received(count: number): Promise<void>
  close(): Promise<void>
}

const KEPT = 1000

/** Starts the fake on 127.0.0.1. Every model answers as Google would until `behave` says otherwise. */
export async function startFakeGemini(options: FakeGeminiOptions = {}): Promise<FakeGemini> {
  const requests: RecordedRequest[] = []
  const painted: Picture[] = []
  const behaviours = new Map<string, GeminiBehaviour[]>()
  const waiting: { count: number; resolve: () => void }[] = []
  let pictures = 0

  const server = createServer({ keepAliveTimeout: 30_000 }, (message, response) => {
    reply(message, response).catch(() => response.destroy())
  })

  async function reply(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await record(message, endOf(response))
    keep(request)
    const url = new URL(request.path, 'http://fake')
    const refusal = refuseKey(request.headers['x-goog-api-key'] ?? url.searchParams.get('key'))
    if (refusal !== undefined) return await send(response, refusal)
    if (/^\/v1(beta|alpha)?\/models$/.test(url.pathname)) return await send(response, modelPage(url))
    const call = callOf(request, url)
    if (call === undefined)
      return await send(response, failure(404, 'NOT_FOUND', 'Requested entity was not found.'))
    const behaviour = next(call.model)
    const paintIt = (format?: PictureFormat) => paintNext(request, format, behaviour)
    await send(response, await behaviourNamed(behaviour.name)({ ...call, paint: paintIt }), behaviour)
  }

  function refuseKey(key: unknown): Reply | undefined {
    if (options.apiKey === undefined || key === options.apiKey) return undefined
    if (typeof key === 'string' && key !== '') return badKey()
    const message =
      "Method doesn't allow unregistered callers. Please use API Key or other form of API consumer identity."
    return failure(403, 'PERMISSION_DENIED', message)
  }

  function keep(request: RecordedRequest): void {
    requests.push(request)
    if (requests.length > KEPT) requests.shift()
    for (const waiter of waiting) if (waiter.count <= requests.length) waiter.resolve()
  }

  function next(model: string): GeminiBehaviourOptions {
    const list = behaviours.get(model) ?? behaviours.get('*') ?? ['auto']
    const behaviour = (list.length > 1 ? list.shift() : list[0]) ?? 'auto'
    return typeof behaviour === 'string' ? { name: behaviour } : behaviour
  }

  async function paintNext(
    request: RecordedRequest,
    format: PictureFormat = 'png',
    { bytes, side }: GeminiBehaviourOptions,
  ): Promise<Picture> {
    pictures += 1
    const size = side === undefined ? pixelsOf(request) : { width: side, height: side }
    const picture = await paint({ ...size, format, bytes, mark: `picture ${pictures}` })
    painted.push(picture)
    if (painted.length > KEPT) painted.shift()
    return picture
  }

  function modelPage({ searchParams }: URL): Reply {
    if (fake.models === undefined) return failure(404, 'NOT_FOUND', 'Requested entity was not found.')
    const start = Number(searchParams.get('pageToken') ?? 0)
    const size = Math.min(fake.pageSize, Number(searchParams.get('pageSize') ?? 50))
    const models = fake.models.slice(start, start + size).map(describe)
    const more = start + size < fake.models.length ? { nextPageToken: String(start + size) } : {}
    return document({ models, ...more })
  }

  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const origin = `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`
  const fake: FakeGemini = {
    url: `${origin}/v1beta`,
    origin,
    requests,
    painted,
    models: ['gemini-2.5-flash', 'gemini-2.5-flash-image', 'gemini-3-pro-image', 'gemini-3.1-flash-image'],
    pageSize: 1000,
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

function callOf(request: RecordedRequest, url: URL): Omit<GeminiCall, 'paint'> | undefined {
  const [, model = '', method] = /^\/v1(?:beta|alpha)?\/models\/([^/:]+):(\w+)$/.exec(url.pathname) ?? []
  const isStream = method === 'streamGenerateContent'
  if (request.method !== 'POST' || !(isStream || method === 'generateContent')) return undefined
  return { request, model: decodeURIComponent(model), isStream }
}

function describe(model: string | Record<string, unknown>): Record<string, unknown> {
  if (typeof model !== 'string') return model
  const supportedGenerationMethods = ['generateContent', 'countTokens', 'batchGenerateContent']
  return { name: `models/${model}`, version: '001', displayName: model, supportedGenerationMethods }
}

const TIERS: Readonly<Record<string, number>> = { '512': 512, '1K': 1024, '2K': 2048, '4K': 4096 }

/** As much as a square of the tier, in steps of 32. */
function pixelsOf({ body }: RecordedRequest): { width: number; height: number } {
  const { imageConfig }: { imageConfig?: { aspectRatio?: unknown; imageSize?: unknown } } = Object(
    body.generationConfig,
  )
  const [width = 1, height = 1] = String(imageConfig?.aspectRatio ?? '1:1')
    .split(':')
    .map(Number)
  const side = TIERS[String(imageConfig?.imageSize ?? '1K')] ?? 1024
  const step = (length: number) => Math.round((side * Math.sqrt(length)) / 32) * 32
  return { width: step(width / height), height: step(height / width) }
}
