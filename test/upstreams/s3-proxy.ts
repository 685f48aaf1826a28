import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What an S3 server behind the proxy seems to do. */
export type Fault =
  | { name: 'none' }
  /** Answers so, with an error document. */
  | { name: 'status'; status: number; code: string }
  /** Hangs up at once. */
  | { name: 'down' }
  /** Waits so long, in ms, before it passes a request on. */
  | { name: 'slow'; delay: number }
  /** Changes the last byte of what is read. */
  | { name: 'other-bytes' }
  /** Stops in the middle of what is read. */
  | { name: 'cut' }
  /** Says that everything that is written was something else. */
  | { name: 'other-tag' }

export interface S3Proxy extends AsyncDisposable {
  url: string
  fault: Fault
  /** `METHOD /path` of every request so far. */
  seen: string[]
  /** Bodies whose SHA-256 was not the one that was signed; the server behind does not look. */
  misnamed: number
}

/** Stands in front of a real S3 server and makes it faulty. The signature names the host, so the proxy keeps it. */
export async function startS3Proxy(target: string): Promise<S3Proxy> {
  const sockets = new Set<Socket>()
  const proxy: S3Proxy = {
    url: '',
    fault: { name: 'none' },
    seen: [],
    misnamed: 0,
    [Symbol.asyncDispose]: close,
  }
  const server = createServer((incoming, reply) => void answer(proxy, target, incoming, reply))
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return proxy

  async function close(): Promise<void> {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
}

async function answer(proxy: S3Proxy, target: string, incoming: IncomingMessage, reply: ServerResponse) {
  const { method = 'GET', url = '/' } = incoming
  const { fault } = proxy
  proxy.seen.push(`${method} ${url.split('?')[0]}`)
  if (fault.name === 'down') return void incoming.socket.destroy()
  if (fault.name === 'slow') await sleep(fault.delay)
  if (fault.name === 'status') return refuse(incoming, reply, fault)
  const { hostname, port } = new URL(target)
  const outgoing = request({ hostname, port, method, path: url, headers: incoming.headers, agent: false })
  outgoing.on('error', () => reply.destroy())
  reply.on('close', () => outgoing.destroy())
  outgoing.on('response', (answered) => pass(fault, method, answered, reply))
  incoming.pipe(outgoing)
  checkHash(proxy, incoming)
}

function checkHash(proxy: S3Proxy, incoming: IncomingMessage): void {
  const signed = String(incoming.headers['x-amz-content-sha256'])
  if (!/^[0-9a-f]{64}$/.test(signed)) return
  const hash = createHash('sha256')
  incoming.on('data', (chunk: Buffer) => hash.update(chunk))
  incoming.on('end', () => {
    if (hash.digest('hex') !== signed) proxy.misnamed += 1
  })
}

function refuse(incoming: IncomingMessage, reply: ServerResponse, fault: { status: number; code: string }) {
  incoming.resume()
  const body = `<?xml version="1.0"?><Error><Code>${fault.code}</Code><Message>as the test wished</Message></Error>`
  reply.writeHead(fault.status, { 'content-type': 'application/xml' })
  reply.end(incoming.method === 'HEAD' ? undefined : body)
}

function pass(fault: Fault, method: string, answered: IncomingMessage, reply: ServerResponse) {
  const { statusCode = 502, headers } = answered
  const isWritten = method === 'PUT'
  const changed = fault.name === 'other-tag' && isWritten ? { etag: `"${'0'.repeat(32)}"` } : {}
  reply.writeHead(statusCode, { ...headers, ...changed })
  if (method !== 'GET' || !['other-bytes', 'cut'].includes(fault.name)) return void answered.pipe(reply)
  const all: Buffer[] = []
  answered.on('data', (chunk: Buffer) => all.push(chunk))
  answered.on('end', () => {
    const body = Buffer.concat(all)
    if (fault.name === 'cut') return reply.write(body.subarray(0, body.length / 2), () => reply.destroy())
    body.writeUInt8(body.readUInt8(body.length - 1) ^ 1, body.length - 1)
    reply.end(body)
  })
}
