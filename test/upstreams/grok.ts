import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type WebSocket, WebSocketServer } from 'ws'
import { GROK_BEHAVIOURS, type GrokBehaviourName, type GrokCall, type Step } from './grok-behaviours.ts'
import { type Frame, paintStage, type Slot, type StageName } from './grok-frames.ts'
import { type Picture, whole } from './pictures.ts'

/** How to treat a client: an answer to its prompts, or an HTTP status in place of a WebSocket. */
export type GrokBehaviour =
  | GrokBehaviourName
  | number
  | { name: GrokBehaviourName; bytes?: number; wait?: number }

/** A socket as the server saw it. */
export interface GrokSocket {
  headers: IncomingHttpHeaders
  /** The account token of its cookie. */
  token: string
  path: string
  /** Everything that the client sent, parsed. */
  messages: Frame[]
  /** The close code of the client, once it has closed. */
  closed: number | undefined
}

/** A running fake of Grok's socket. */
export interface FakeGrok extends AsyncDisposable {
  url: string
  port: number
  /** Every handshake so far, refused ones too. */
  sockets: GrokSocket[]
  /** The final pictures so far. */
  painted: Buffer[]
  /** Treats a token (`*`: any other) like this from now on; of a list one socket after the other, the last one for ever. */
  behave(token: string, behaviour: GrokBehaviour | readonly GrokBehaviour[]): void
  /** Resolves when the client of every socket has closed it. */
  allClosed(): Promise<void>
}

/** Starts the fake on 127.0.0.1. It answers as the newest generation until `behave` says otherwise. */
export async function startFakeGrok(): Promise<FakeGrok> {
  const sockets: GrokSocket[] = []
  const painted: Buffer[] = []
  const behaviours = new Map<string, GrokBehaviour[]>()
  const closings: Promise<unknown>[] = []
  const http = createServer((_request, response) => response.writeHead(426).end())
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: true })

  function next(token: string): GrokBehaviour {
    const list = behaviours.get(token) ?? behaviours.get('*') ?? ['v3']
    return (list.length > 1 ? list.shift() : list[0]) ?? 'v3'
  }

  http.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const token = /sso=([^;]*)/.exec(request.headers.cookie ?? '')?.[1] ?? ''
    const seen: GrokSocket = {
      headers: request.headers,
      token,
      path: request.url ?? '',
      messages: [],
      closed: undefined,
    }
    sockets.push(seen)
    const behaviour = next(token)
    if (typeof behaviour === 'number') return refuse(stream, behaviour, token)
    const options = typeof behaviour === 'string' ? { name: behaviour } : behaviour
    server.handleUpgrade(request, stream, head, (socket) => {
      closings.push(once(socket, 'close'))
      serve(socket, seen, options)
    })
  })

  function serve(
    socket: WebSocket,
    seen: GrokSocket,
    { name, bytes, wait }: { name: GrokBehaviourName; bytes?: number; wait?: number },
  ): void {
    socket.on('error', () => undefined)
    socket.on('close', (code) => {
      seen.closed = code
    })
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as Frame
      seen.messages.push(message)
      const prompt = promptIn(message)
      if (prompt === undefined) return
      const call: GrokCall = {
        prompt,
        count: Number(prompt.properties.num_generations),
        painted: (slot, stage) => remember(slot, stage, bytes),
      }
      void perform(socket, GROK_BEHAVIOURS[name](call), wait)
    })
  }

  async function remember(slot: Slot, stage: StageName, bytes: number | undefined): Promise<Picture> {
    const picture = await paintStage(slot, stage, stage === 'final' ? bytes : undefined)
    if (stage === 'final') painted.push(whole(picture))
    return picture
  }

  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  return {
    url: `ws://127.0.0.1:${port}/ws/imagine/listen`,
    port,
    sockets,
    painted,
    behave: (token, behaviour) => behaviours.set(token, [behaviour].flat()),
    allClosed: async () => void (await Promise.all(closings)),
    [Symbol.asyncDispose]: async () => {
      for (const client of server.clients) client.terminate()
      http.close()
      http.closeAllConnections()
    },
  }
}

/** The page of a 403 as a site behind a browser check sends it; it names the token, which nobody should repeat. */
function refuse(stream: Duplex, status: number, token: string): void {
  const body = `<html><head><title>No ${status}</title></head><body>session ${token}</body></html>`
  const retry = status === 429 ? 'retry-after: 7\r\n' : ''
  stream.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: text/html\r\n${retry}connection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
}

async function perform(socket: WebSocket, steps: AsyncIterable<Step>, wait = 0): Promise<void> {
  for await (const step of steps) {
    if (socket.readyState !== socket.OPEN) return
    if (wait > 0) await sleep(wait)
    await take(socket, step)
  }
}

async function take(socket: WebSocket, step: Step): Promise<void> {
  if ('ping' in step) socket.ping()
  else if ('heard' in step) {
    socket.ping('heard?')
    await once(socket, 'pong')
  } else if ('close' in step) socket.close(step.close, step.reason)
  else if ('wait' in step) await sleep(step.wait)
  else if ('end' in step) endRaw(socket, step.end)
  else {
    const text = typeof step.send === 'string' ? step.send : JSON.stringify(step.send)
    const size = 'fragments' in step ? step.fragments : Math.max(1, text.length)
    for (let at = 0; at === 0 || at < text.length; at += size) {
      const fin = at + size >= text.length
      await new Promise((resolve) =>
        socket.send(text.slice(at, at + size), { fin, compress: false }, resolve),
      )
    }
  }
}

/** Ends the TCP connection below. */
function endRaw(socket: WebSocket, how: 'half' | 'reset'): void {
  const { _socket: raw } = socket as unknown as { _socket: Socket }
  if (how === 'half') raw.end()
  else raw.resetAndDestroy()
}

function promptIn(message: Frame): GrokCall['prompt'] | undefined {
  const { item } = message as { item?: { content?: GrokCall['prompt'][] } }
  return item?.content?.find(({ type }) => type === 'input_text')
}
