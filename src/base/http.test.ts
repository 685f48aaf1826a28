import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createOutgoing, type Outgoing, type OutgoingOptions, type OutgoingRequest } from './http.ts'
import { OutgoingError } from './outgoing-error.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

test('a reply comes with status, headers and body', async () => {
  const { url } = await serve((request, response) => {
    response.writeHead(201, { 'X-Request-Id': 'abc', 'Set-Cookie': ['a=1', 'b=2'] })
    response.end(
      `${request.method} ${request.url} ${request.headers['user-agent']} ${request.headers['accept-encoding']}`,
    )
  })
  const reply = await get(outgoing(), `${url}/a?b=c`)
  expect(reply.status).toBe(201)
  expect(reply.headers).toMatchObject({ 'x-request-id': 'abc', 'set-cookie': 'a=1, b=2' })
  expect(await text(reply.body)).toBe('GET /a?b=c pictor-test identity')
})

test('bodies of all forms arrive as they are', async () => {
  const { url } = await serve(async (request, response) => {
    const body = await text(request)
    response.end(
      JSON.stringify({
        body,
        length: request.headers['content-length'],
        chunked: request.headers['transfer-encoding'],
      }),
    )
  })
  const http = outgoing()
  const send = async (body: OutgoingRequest['body']) =>
    JSON.parse(await text((await http.request({ ...options(), url, method: 'POST', body })).body))
  expect(await send('täxt')).toEqual({ body: 'täxt', length: '5' })
  expect(await send(Buffer.from('bytes'))).toEqual({ body: 'bytes', length: '5' })
  expect(await send({ stream: pieces('ab', 'cd'), bytes: 4 })).toEqual({ body: 'abcd', length: '4' })
  expect(await send({ stream: pieces('ab', 'cd') })).toEqual({ body: 'abcd', chunked: 'chunked' })
})

test('a large reply is complete although the reader is slow, and the sender is held back', async () => {
  const chunk = Buffer.alloc(64 * 1024, 'x')
  let written = 0
  const { url } = await serve(async (_request, response) => {
    for (let index = 0; index < 400; index += 1) {
      if (!response.write(chunk)) await once(response, 'drain')
      written += chunk.length
    }
    response.end()
  })
  const reply = await get(outgoing(), url)
  const reader = reply.body[Symbol.asyncIterator]()
  await reader.next()
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(written).toBeLessThan(20 * 1024 * 1024)
  let bytes = 0
  for (let next = await reader.next(); next.done !== true; next = await reader.next())
    bytes += next.value.length
  expect(written).toBe(400 * chunk.length)
  expect(bytes).toBeGreaterThan(399 * chunk.length - 64 * 1024)
})

test('connections are kept and no call waits for another', async () => {
  const waiting: (() => void)[] = []
  const server = await serve((_request, response) => {
    waiting.push(() => response.end('ok'))
    if (waiting.length === 80) for (const answer of waiting) answer()
  })
  const http = outgoing()
  for (let wave = 0; wave < 4; wave += 1) {
    const replies = await Promise.all(Array.from({ length: 80 }, () => get(http, server.url)))
    await Promise.all(replies.map((reply) => text(reply.body)))
    waiting.length = 0
  }
  // The pool may open a second connection for a call that starts while another is just ending.
  expect(server.connections()).toBeLessThanOrEqual(160)
})

test('a reply that is not wanted any more is dropped', async () => {
  const { url } = await serve((_request, response) => {
    response.write(Buffer.alloc(1024 * 1024))
    response.once('close', () => closed.resolve('closed'))
  })
  const closed = Promise.withResolvers<string>()
  const reply = await get(outgoing(), url)
  reply.discard()
  expect(await closed.promise).toBe('closed')
})

test('leaving the loop drops the rest', async () => {
  const { url } = await serve((_request, response) => {
    response.write(Buffer.alloc(1024 * 1024))
    response.once('close', () => closed.resolve('closed'))
  })
  const closed = Promise.withResolvers<string>()
  for await (const _chunk of (await get(outgoing(), url)).body) break
  expect(await closed.promise).toBe('closed')
})

test('a short rest is drained and the connection used again', async () => {
  const server = await serve((_request, response) => {
    response.end(Buffer.alloc(10_000))
  })
  const http = outgoing()
  for (let index = 0; index < 3; index += 1) {
    const reply = await get(http, server.url)
    reply.discard()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect(server.connections()).toBe(1)
})

test('an unreachable address was certainly not asked', async () => {
  const { url, server } = await serve(() => {})
  server.close()
  await once(server, 'close')
  await expect(get(outgoing(), url)).rejects.toMatchObject({
    name: 'OutgoingError',
    kind: 'network',
    sent: false,
    detail: expect.stringContaining('ECONNREFUSED'),
  })
  await expect(get(outgoing(), 'http://does-not-exist.invalid/')).rejects.toMatchObject({
    kind: 'network',
    sent: false,
  })
})

test('a connection reset after the request may have been heard', async () => {
  const { url } = await serve((request) => {
    request.socket.resetAndDestroy()
  })
  await expect(get(outgoing(), url)).rejects.toMatchObject({ kind: 'network', sent: true })
})

test('a body cut in the middle is an error while reading', async () => {
  const { url } = await serve((request, response) => {
    response.writeHead(200, { 'content-length': 1000 })
    response.write('half', () => request.socket.destroy())
  })
  const reply = await get(outgoing(), url)
  await expect(text(reply.body)).rejects.toMatchObject({ name: 'OutgoingError', kind: 'network', sent: true })
})

test('a chunked body cut in the middle is an error too', async () => {
  const { url } = await serve((request, response) => {
    response.write('half', () => request.socket.destroy())
  })
  const reply = await get(outgoing(), url)
  await expect(text(reply.body)).rejects.toMatchObject({ kind: 'network', sent: true })
})

test('the timeout covers headers and body', async () => {
  const { url } = await serve((request, response) => {
    if (request.url === '/body') response.write('start')
  })
  const http = outgoing()
  await expect(get(http, `${url}/head`, { timeout: 50 })).rejects.toMatchObject({
    kind: 'timeout',
    sent: true,
  })
  const reply = await get(http, `${url}/body`, { timeout: 50 })
  await expect(text(reply.body)).rejects.toMatchObject({ kind: 'timeout', sent: true })
})

test('a connection that is never made times out unsent', async () => {
  // A full backlog: the kernel answers no more connection attempts.
  const server = createTcpServer().listen({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  closing.push(async () => server.close())
  const http = outgoing({ proxyUrl: `http://127.0.0.1:${port(server)}` })
  await expect(get(http, 'https://203.0.114.9/', { timeout: 80 })).rejects.toMatchObject({
    kind: 'timeout',
    sent: false,
  })
})

test('the signal ends the exchange at every stage', async () => {
  const closed: Promise<unknown>[] = []
  const { url } = await serve((request, response) => {
    closed.push(once(response, 'close'))
    if (request.url === '/body') response.write('start')
    else arrived.resolve()
  })
  let arrived = Promise.withResolvers<void>()
  const http = outgoing()
  const before = AbortSignal.abort(new Error('too late'))
  await expect(get(http, url, { signal: before })).rejects.toMatchObject({
    kind: 'aborted',
    sent: false,
    cause: before.reason,
  })
  expect(closed).toHaveLength(0)

  const during = new AbortController()
  const pending = get(http, url, { signal: during.signal })
  await arrived.promise
  during.abort()
  await expect(pending).rejects.toMatchObject({ kind: 'aborted', sent: true })
  await closed[0]

  arrived = Promise.withResolvers()
  const reading = new AbortController()
  const reply = await get(http, `${url}/body`, { signal: reading.signal })
  const body = text(reply.body)
  reading.abort()
  await expect(body).rejects.toMatchObject({ kind: 'aborted', sent: true })
  await closed[1]
})

test('a reply that is too long is refused, announced or not', async () => {
  const { url } = await serve((request, response) => {
    if (request.url === '/announced') response.writeHead(200, { 'content-length': 2000 })
    response.write(Buffer.alloc(1000))
    response.end(Buffer.alloc(1000))
  })
  const http = outgoing()
  await expect(get(http, `${url}/announced`, { maxBytes: 1999 })).rejects.toMatchObject({ kind: 'too_large' })
  const reply = await get(http, url, { maxBytes: 1999 })
  await expect(text(reply.body)).rejects.toMatchObject({ kind: 'too_large' })
  expect(await text((await get(http, url, { maxBytes: 2000 })).body)).toHaveLength(2000)
})

test('a GET follows redirects, up to a limit; a POST does not', async () => {
  const { url } = await serve((request, response) => {
    if (request.url === '/end') return response.end(`end ${request.headers.authorization}`)
    const next = request.url === '/start' ? '/end' : '/loop'
    response.writeHead(302, { location: next }).end()
  })
  const http = outgoing()
  const headers = { authorization: 'Bearer key' }
  expect(await text((await get(http, `${url}/start`, { headers })).body)).toBe('end Bearer key')
  expect((await get(http, `${url}/loop`)).status).toBe(302)
  expect((await get(http, `${url}/start`, { maxRedirects: 0 })).status).toBe(302)
  expect((await get(http, `${url}/start`, { method: 'POST', body: '{}' })).status).toBe(302)
})

test('a redirect to another origin is guarded and learns no key', async () => {
  const target = await serve((request, response) => response.end(String(request.headers.authorization)))
  const { url } = await serve((_request, response) => {
    response.writeHead(307, { location: `${target.url}/` }).end()
  })
  const headers = { authorization: 'Bearer key' }
  await expect(get(outgoing(), url, { headers })).rejects.toMatchObject({ kind: 'blocked', sent: false })
  expect(target.connections()).toBe(0)
  const reply = await get(outgoing({ isAllowed: () => true }), url, { headers })
  expect(await text(reply.body)).toBe('undefined')
})

test('a guarded request reaches no private address, by number or by name', async () => {
  const server = await serve((_request, response) => response.end('secret'))
  const http = outgoing()
  const guarded = { trust: 'guarded' } as const
  for (const host of ['127.0.0.1', '2130706433', '0x7f.1', 'localhost', '[::ffff:7f00:1]']) {
    await expect(get(http, `http://${host}:${server.port}/`, guarded)).rejects.toMatchObject({
      kind: 'blocked',
      sent: false,
    })
  }
  await expect(get(http, 'ftp://example.com/', guarded)).rejects.toMatchObject({ kind: 'blocked' })
  await expect(get(http, 'nonsense', guarded)).rejects.toMatchObject({ kind: 'blocked' })
  expect(server.connections()).toBe(0)
  expect(await text((await get(http, server.url)).body)).toBe('secret')
})

test('the address that was checked is the one connected to', async () => {
  const { port } = await serve((request, response) => response.end(request.socket.localAddress))
  const checked: string[] = []
  const http = outgoing({
    isAllowed: (address) => {
      checked.push(address)
      return address === '127.0.0.1'
    },
  })
  const reply = await get(http, `http://localhost:${port}/`, { trust: 'guarded' })
  expect(await text(reply.body)).toBe('127.0.0.1')
  expect(checked).toContain('127.0.0.1')
})

test('a connection of the operator is not reused for a guarded request', async () => {
  const server = await serve((_request, response) => response.end('ok'))
  const http = outgoing()
  await text((await get(http, server.url)).body)
  await expect(get(http, server.url, { trust: 'guarded' })).rejects.toMatchObject({ kind: 'blocked' })
})

test('a proxy gets what is public, and private operator addresses go around it', async () => {
  const asked: string[] = []
  const proxy = await serve((request, response) => {
    asked.push(`${request.url} ${request.headers['proxy-authorization']}`)
    response.end('by proxy')
  })
  const server = await serve((_request, response) => response.end('direct'))
  const http = outgoing({ proxyUrl: `http://user:pass@127.0.0.1:${proxy.port}` })
  expect(await text((await get(http, 'http://203.0.114.9/file')).body)).toBe('by proxy')
  expect(await text((await get(http, 'http://8.8.8.8/', { trust: 'guarded' })).body)).toBe('by proxy')
  expect(await text((await get(http, server.url)).body)).toBe('direct')
  const basic = `Basic ${Buffer.from('user:pass').toString('base64')}`
  expect(asked).toEqual([`http://203.0.114.9/file ${basic}`, `http://8.8.8.8/ ${basic}`])
  await expect(get(http, server.url, { trust: 'guarded' })).rejects.toMatchObject({ kind: 'blocked' })
  await expect(get(http, `http://localhost:${server.port}`, { trust: 'guarded' })).rejects.toMatchObject({
    kind: 'blocked',
  })
})

test('an https address goes through the proxy by CONNECT', async () => {
  const proxy = await serve(() => {})
  const target = Promise.withResolvers<string | undefined>()
  proxy.server.on('connect', (request, socket) => {
    target.resolve(request.url)
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
  })
  const http = outgoing({ proxyUrl: `http://127.0.0.1:${proxy.port}` })
  await expect(get(http, 'https://8.8.8.8/')).rejects.toMatchObject({ kind: 'network', sent: false })
  expect(await target.promise).toBe('8.8.8.8:443')
})

test('a SOCKS5 proxy works', async () => {
  const server = await serve((_request, response) => response.end('through socks'))
  const socks = await socks5(server.port)
  const http = outgoing({ proxyUrl: `socks5://127.0.0.1:${socks}` })
  expect(await text((await get(http, 'http://203.0.114.9/')).body)).toBe('through socks')
})

test('closing ends what is running', async () => {
  const { url } = await serve(() => arrived.resolve())
  const arrived = Promise.withResolvers<void>()
  const http = createOutgoing({ userAgent: 'pictor-test' })
  const pending = get(http, url)
  await arrived.promise
  const failed = expect(pending).rejects.toBeInstanceOf(OutgoingError)
  await http.close()
  await failed
})

test('a body source that fails ends the request', async () => {
  const { url } = await serve(async (request, response) => {
    await text(request)
    response.end()
  })
  async function* broken() {
    yield Buffer.from('begin')
    throw new Error('disk gone')
  }
  const request = { ...options(), url, method: 'POST', body: { stream: broken(), bytes: 100 } } as const
  await expect(outgoing().request(request)).rejects.toMatchObject({
    kind: 'network',
    detail: 'disk gone',
    sent: false,
  })
})

test('large bodies are the same on both sides', async () => {
  const bytes = Buffer.alloc(5_000_000, 'abcdefg')
  const { url } = await serve((_request, response) => response.end(bytes))
  const hash = createHash('sha256')
  for await (const chunk of (await get(outgoing(), url)).body) hash.update(chunk)
  expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'))
})

function outgoing(changes: Partial<OutgoingOptions> = {}): Outgoing {
  const http = createOutgoing({ userAgent: 'pictor-test', ...changes })
  closing.push(() => http.close())
  return http
}

function options() {
  return { signal: new AbortController().signal, timeout: 5000, trust: 'operator' } as const
}

function get(http: Outgoing, url: string, changes: Partial<OutgoingRequest> = {}) {
  return http.request({ ...options(), method: 'GET', url, ...changes })
}

async function serve(listener: RequestListener) {
  const server = createServer({ keepAliveTimeout: 10_000 }, listener)
  let count = 0
  server.on('connection', () => {
    count += 1
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(async () => {
    server.closeAllConnections()
    server.close()
  })
  return { server, port: port(server), url: `http://127.0.0.1:${port(server)}`, connections: () => count }
}

/** Answers a SOCKS5 greeting without authentication (RFC 1928) and connects everything to one port here. */
async function socks5(target: number): Promise<number> {
  const server = createTcpServer((socket) => {
    socket.once('data', () => {
      socket.write(Buffer.from([5, 0]))
      socket.once('data', () => {
        socket.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 80]))
        const upstream = connect(target, '127.0.0.1')
        socket.pipe(upstream).pipe(socket)
        socket.on('error', () => upstream.destroy())
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(async () => server.close())
  return port(server)
}

function port(server: { address(): AddressInfo | string | null }): number {
  const address = server.address()
  return address !== null && typeof address === 'object' ? address.port : 0
}

async function* pieces(...texts: string[]): AsyncIterable<Uint8Array> {
  for (const piece of texts) yield Buffer.from(piece)
}

async function text(body: AsyncIterable<Uint8Array> | IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
