import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { type AddressRule, isPublicAddress } from './address-guard.ts'
import { Exchange, type ReplyHead } from './exchange.ts'
import { OutgoingError } from './outgoing-error.ts'
import { createRoutes, type Destination } from './routes.ts'
import { OutgoingSocket, type SocketRequest } from './socket.ts'
import { shakeHands } from './socket-handshake.ts'

export interface OutgoingOptions {
  /** `http://`, `https://` or `socks5://`, with user and password if need be. Private operator addresses bypass it. */
  proxyUrl?: string | undefined
  userAgent: string
  /** Which addresses a guarded request may reach. Default: public ones only. */
  isAllowed?: AddressRule | undefined
}

export interface OutgoingRequest {
  url: string
  method: 'GET' | 'POST' | 'DELETE'
  /** Names in lower case. */
  headers?: Readonly<Record<string, string>> | undefined
  body?: OutgoingBody | undefined
  signal: AbortSignal
  /** Milliseconds for the whole exchange, redirects and the reading of the reply included. */
  timeout: number
  /** `operator`: an address from the configuration, allowed to be private. `guarded`: an address that came from elsewhere. */
  trust: 'operator' | 'guarded'
  /** In place of the proxy of all requests; same forms. */
  proxyUrl?: string | undefined
  /** Longest reply body in bytes. Default: 256 MiB. */
  maxBytes?: number | undefined
  /** Default: 5 for GET; other methods never follow. */
  maxRedirects?: number | undefined
}

/** A stream whose length is known is sent with it: many upstreams refuse a chunked body. */
export type OutgoingBody =
  | string
  | Uint8Array
  | { stream: AsyncIterable<Uint8Array>; bytes?: number | undefined }

export interface OutgoingReply extends ReplyHead {
  /** As it is on the wire (maybe compressed, see `content-encoding`). Read it to the end or call `discard`. */
  body: AsyncIterable<Uint8Array>
  discard(): void
}

/** The one door to the network. */
export interface Outgoing {
  /** @throws {@link OutgoingError}, also while the body is read. An HTTP error status is a reply, not an error. */
  request(request: OutgoingRequest): Promise<OutgoingReply>
  /** Opens a WebSocket. @throws {@link OutgoingError}, also while it is read, and `SocketRefused` */
  socket(request: SocketRequest): Promise<OutgoingSocket>
  /** Ends all exchanges and connections. */
  close(): Promise<void>
}

const DEFAULT_MAX_BYTES = 256 * 1024 * 1024
const DEFAULT_MAX_REDIRECTS = 5
const REDIRECTS = new Set([301, 302, 303, 307, 308])

/** Opens connection pools, one per origin and trust. Close it at the end. */
export function createOutgoing(options: OutgoingOptions): Outgoing {
  const isAllowed = options.isAllowed ?? isPublicAddress
  const routes = createRoutes(options.proxyUrl, isAllowed)
  const sockets = new Set<OutgoingSocket>()
  const defaults = { 'user-agent': options.userAgent, 'accept-encoding': 'identity' }

  async function request(request: OutgoingRequest): Promise<OutgoingReply> {
    const deadline = performance.now() + request.timeout
    let redirects = request.method === 'GET' ? (request.maxRedirects ?? DEFAULT_MAX_REDIRECTS) : 0
    let hop: Hop = {
      url: parseUrl(request.url),
      trust: request.trust,
      proxyUrl: request.proxyUrl,
      headers: { ...defaults, ...request.headers },
    }
    for (;;) {
      const timeout = Math.max(1, deadline - performance.now())
      const reply = await send(await routes.pick(hop), hop, { ...request, timeout })
      const location = REDIRECTS.has(reply.status) ? reply.headers.location : undefined
      if (location === undefined || redirects === 0) return reply
      redirects -= 1
      reply.discard()
      hop = follow(hop, location)
    }
  }

  async function socket(request: SocketRequest): Promise<OutgoingSocket> {
    const url = parseUrl(request.url.replace(/^ws/i, 'http'))
    const { signal, connectTimeout: timeout } = request
    const headers = { 'user-agent': options.userAgent, ...request.headers }
    const stream = await shakeHands(await routes.pickTunnel({ ...request, url }), {
      url,
      headers,
      signal,
      timeout,
    })
    const opened = new OutgoingSocket(stream, request, () => sockets.delete(opened))
    sockets.add(opened)
    return opened
  }

  async function close(): Promise<void> {
    for (const open of sockets) open.destroy()
    await routes.close()
  }

  return { request, socket, close }
}

/** One leg of a chain of redirects. */
interface Hop extends Destination {
  headers: Record<string, string>
}

async function send(dispatcher: Dispatcher, hop: Hop, request: OutgoingRequest): Promise<OutgoingReply> {
  const { method, signal, timeout, maxBytes = DEFAULT_MAX_BYTES } = request
  const { body, headers, isBodySent } = prepareBody(request.body, hop.headers)
  const exchange = new Exchange({ signal, timeout, maxBytes, isBodySent })
  const { origin, pathname, search } = hop.url
  try {
    if (!signal.aborted)
      dispatcher.dispatch({ origin, path: pathname + search, method, headers, body }, exchange)
  } catch (error) {
    exchange.fail(error)
  }
  const head = await exchange.head
  return { ...head, body: exchange, discard: () => exchange.discard() }
}

function prepareBody(body: OutgoingBody | undefined, headers: Record<string, string>) {
  if (body === undefined) return { body: null, headers }
  if (typeof body === 'string' || body instanceof Uint8Array) return { body, headers }
  let isSent = false
  async function* tracked(stream: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    yield* stream
    isSent = true
  }
  return {
    body: Readable.from(tracked(body.stream), { objectMode: false }),
    headers: body.bytes === undefined ? headers : { ...headers, 'content-length': String(body.bytes) },
    isBodySent: () => isSent,
  }
}

/** Another origin is a stranger, whoever pointed at it, and learns no secrets. */
function follow(hop: Hop, location: string): Hop {
  const url = parseUrl(location, hop.url)
  if (url.origin === hop.url.origin) return { ...hop, url }
  const { authorization: _authorization, cookie: _cookie, 'x-goog-api-key': _key, ...headers } = hop.headers
  return { url, trust: 'guarded', proxyUrl: hop.proxyUrl, headers }
}

function parseUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base)
  if (url !== null && /^https?:$/.test(url.protocol)) return url
  throw new OutgoingError('blocked', { detail: 'not an http or https URL', sent: false })
}
