import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { startHttpProxy, startSocksProxy } from '../../test/upstreams/proxies.ts'
import { createOutgoing, type Outgoing, type OutgoingOptions } from './http.ts'
import type { OutgoingSocket, SocketRequest } from './socket.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

describe('talking', () => {
  test('texts go both ways, with the headers that were given and an honest user agent', async () => {
    const { url, seen } = await serve((socket) => {
      socket.on('message', (data) => socket.send(`echo ${data}`))
    })
    const socket = await open(outgoing(), url, { headers: { cookie: 'a=b', origin: 'https://example.org' } })
    socket.send('täxt')
    expect(await messageOf(socket)).toBe('echo täxt')
    expect(seen[0]?.headers).toMatchObject({
      'user-agent': 'pictor-test',
      cookie: 'a=b',
      origin: 'https://example.org',
    })
    expect(seen[0]?.headers).not.toHaveProperty('sec-websocket-extensions')
  })

  test('a long message comes in pieces while it arrives, and the sender is held back', async () => {
    const payload = Buffer.alloc(40 * 1024 * 1024, 'x')
    let written = false
    const { url } = await serve((socket) =>
      socket.send(payload, () => {
        written = true
      }),
    )
    const socket = await open(outgoing(), url, { maxMessageBytes: payload.length })
    const first = await socket.next()
    expect(first.value).toMatchObject({ ends: false })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(written).toBe(false)
    let bytes = first.value?.bytes.length ?? 0
    let longest = 0
    for await (const piece of socket) {
      bytes += piece.bytes.length
      longest = Math.max(longest, piece.bytes.length)
      if (piece.ends) break
    }
    expect(bytes).toBe(payload.length)
    expect(longest).toBeLessThanOrEqual(64 * 1024)
  })

  test('a ping is answered, and pings of ours keep a living connection', async () => {
    const ponged = Promise.withResolvers<string>()
    const { url } = await serve((socket) => {
      socket.on('pong', (data) => ponged.resolve(String(data)))
      socket.ping('are you there')
      let pings = 0
      socket.on('ping', () => {
        pings += 1
        if (pings === 4) socket.send('four')
      })
    })
    const socket = await open(outgoing(), url, { pingInterval: 5 })
    expect(await messageOf(socket)).toBe('four')
    expect(await ponged.promise).toBe('are you there')
  })

  test('a connection that answers no ping has failed', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong: false })
    await once(server, 'listening')
    closing.push(() => server.close())
    const socket = await open(outgoing(), `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      pingInterval: 5,
    })
    await expect(messageOf(socket)).rejects.toMatchObject({ kind: 'network', sent: false })
  })
})

describe('the end', () => {
  test.each([
    [1000, ''],
    [1008, 'too many'],
    [4001, 'own code'],
  ])('the other side closes with %i, and what it said before is still read', async (code, reason) => {
    const closed = Promise.withResolvers<number>()
    const { url } = await serve((socket) => {
      socket.on('close', closed.resolve)
      socket.send('last words')
      socket.close(code, reason)
    })
    const socket = await open(outgoing(), url)
    expect(await messageOf(socket)).toBe('last words')
    expect((await socket.next()).done).toBe(true)
    expect(socket.end).toEqual({ code, reason })
    expect(await closed.promise).toBe(code)
  })

  test.each(['end', 'terminate'] as const)('the connection just ends: %s', async (how) => {
    const { url } = await serve((socket) => {
      socket.send('half', () => {
        if (how === 'terminate') socket.terminate()
        else rawOf(socket).end()
      })
    })
    const socket = await open(outgoing(), url)
    expect(await messageOf(socket)).toBe('half')
    expect((await socket.next()).done).toBe(true)
    expect(socket.end).toEqual({ code: 1006, reason: '' })
  })

  test('a reset is an error that says whether anything was sent', async () => {
    const { url } = await serve((socket) => socket.on('message', () => rawOf(socket).resetAndDestroy()))
    const socket = await open(outgoing(), url)
    socket.send('hello')
    await expect(messageOf(socket)).rejects.toMatchObject({ kind: 'network', sent: true })
  })

  test('leaving the loop says goodbye', async () => {
    const closed = Promise.withResolvers<number>()
    const { url } = await serve((socket) => {
      socket.on('close', closed.resolve)
      socket.send('one')
      socket.send('two')
    })
    for await (const piece of await open(outgoing(), url)) {
      expect(piece.bytes.toString()).toBe('one')
      break
    }
    expect(await closed.promise).toBe(1000)
  })

  test('an abort ends it at once, also before anything came', async () => {
    const { url } = await serve(() => undefined)
    const controller = new AbortController()
    const socket = await open(outgoing(), url, { signal: controller.signal })
    const reading = expect(messageOf(socket)).rejects.toMatchObject({ kind: 'aborted' })
    controller.abort(new Error('enough'))
    await reading
    const aborted = open(outgoing(), url, { signal: AbortSignal.abort(new Error('before')) })
    await expect(aborted).rejects.toMatchObject({ kind: 'aborted', sent: false })
  })

  test('closing the door ends what is open', async () => {
    const { url } = await serve(() => undefined)
    const http = createOutgoing({ userAgent: 'pictor-test' })
    const reading = expect(messageOf(await open(http, url))).rejects.toMatchObject({ kind: 'aborted' })
    await http.close()
    await reading
  })

  test('a message above the limit is refused, and the server is told', async () => {
    const closed = Promise.withResolvers<number>()
    const { url } = await serve((socket) => {
      socket.on('close', closed.resolve)
      socket.send('x'.repeat(2000))
    })
    const socket = await open(outgoing(), url, { maxMessageBytes: 1000 })
    await expect(messageOf(socket)).rejects.toMatchObject({ kind: 'too_large' })
    expect(await closed.promise).toBe(1009)
  })
})

describe('no socket', () => {
  test.each([401, 403, 429, 502, 200])('status %i is an error with what was said', async (status) => {
    const url = await answerHttp((_request, response) => {
      response.writeHead(status, { 'retry-after': '7' })
      response.end('the reason')
    })
    await expect(open(outgoing(), url)).rejects.toMatchObject({
      name: 'SocketRefused',
      status,
      text: 'the reason',
      headers: { 'retry-after': '7' },
    })
  })

  test('a long refusal is cut, and one that breaks off is one still', async () => {
    const long = await answerHttp((_request, response) => response.writeHead(403).end('x'.repeat(500_000)))
    const refused = await open(outgoing(), long).catch((error: unknown) => error)
    expect(refused).toMatchObject({ status: 403, text: expect.stringMatching(/^x{8192}$/) })
    const cut = await answerHttp((_request, response) => {
      response.writeHead(502, { 'content-length': 100 })
      response.write('begun', () => response.destroy())
    })
    await expect(open(outgoing(), cut)).rejects.toMatchObject({ status: 502 })
  })

  test('a server that only says yes is no WebSocket server', async () => {
    const server = createServer()
    server.on('upgrade', (_request, socket) => {
      socket.end(
        'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: no\r\n\r\n',
      )
    })
    await expect(open(outgoing(), await listening(server))).rejects.toMatchObject({ name: 'SocketRefused' })
  })

  test('nobody listens, nobody answers', async () => {
    await expect(open(outgoing(), 'ws://127.0.0.1:1/')).rejects.toMatchObject({
      kind: 'network',
      sent: false,
    })
    const silent = await answerHttp(() => undefined)
    await expect(open(outgoing(), silent, { connectTimeout: 20 })).rejects.toMatchObject({
      kind: 'timeout',
      sent: false,
    })
  })

  test('a guarded address must be public', async () => {
    const { url } = await serve(() => undefined)
    await expect(open(outgoing(), url, { trust: 'guarded' })).rejects.toMatchObject({ kind: 'blocked' })
    await expect(open(outgoing(), 'ftp://example.org')).rejects.toMatchObject({ kind: 'blocked' })
  })
})

describe('proxies', () => {
  test.each([
    ['http', startHttpProxy],
    ['socks5', startSocksProxy],
  ])('%s: for all sockets, or for one', async (_kind, start) => {
    const { url, port } = await serve((socket) => socket.send('hello'))
    await using proxy = await start(port)
    await using other = await start(port)
    const withUser = (address: string) => address.replace('//', '//user:p%40ss@')
    const http = outgoing({ proxyUrl: withUser(proxy.url) })
    expect(await messageOf(await open(http, 'ws://grok.example/listen'))).toBe('hello')
    expect(proxy.asked).toEqual([{ destination: 'grok.example:80', user: 'user:p@ss' }])
    const own = await open(http, 'ws://203.0.114.9:8080/listen', { proxyUrl: other.url })
    expect(await messageOf(own)).toBe('hello')
    expect(other.asked).toEqual([{ destination: '203.0.114.9:8080', user: undefined }])
    expect(await messageOf(await open(http, url))).toBe('hello')
    expect(proxy.asked).toHaveLength(1)
  })

  test.each([
    ['http', startHttpProxy, 'https://203.0.114.9/'],
    ['socks5', startSocksProxy, 'http://grok.example/'],
  ])('%s: a request may name its own', async (_kind, start, url) => {
    const plain = await answerHttp((_request, response) => response.end('through'))
    await using proxy = await start(Number(new URL(plain).port))
    const signal = new AbortController().signal
    const request = {
      url,
      method: 'GET',
      signal,
      timeout: 5000,
      trust: 'operator',
      proxyUrl: proxy.url,
    } as const
    await outgoing()
      .request(request)
      .then(
        (reply) => reply.discard(),
        (error: unknown) => expect(error).toMatchObject({ kind: 'network' }),
      )
    expect(proxy.asked).toHaveLength(1)
  })

  test('one that cannot be reached is told of without its password', async () => {
    for (const proxyUrl of ['socks5://user:secret-word@127.0.0.1:1', 'http://user:secret-word@127.0.0.1:1']) {
      const failure = await open(outgoing({ proxyUrl }), 'ws://grok.example/').catch(
        (error: unknown) => error,
      )
      expect(failure).toMatchObject({ kind: 'network', sent: false })
      expect(String(failure)).not.toContain('secret-word')
    }
  })
})

function outgoing(changes: Partial<OutgoingOptions> = {}): Outgoing {
  const http = createOutgoing({ userAgent: 'pictor-test', ...changes })
  closing.push(() => http.close())
  return http
}

function open(http: Outgoing, url: string, changes: Partial<SocketRequest> = {}): Promise<OutgoingSocket> {
  const { signal } = new AbortController()
  return http.socket({
    url,
    signal,
    connectTimeout: 5000,
    trust: 'operator',
    maxMessageBytes: 1_000_000,
    ...changes,
  })
}

/** The next message as text. */
async function messageOf(socket: OutgoingSocket): Promise<string> {
  const chunks: Buffer[] = []
  for (;;) {
    const { value, done } = await socket.next()
    if (done) throw new Error(`the socket ended with ${socket.end?.code}`)
    chunks.push(value.bytes)
    if (value.ends) return Buffer.concat(chunks).toString()
  }
}

async function serve(talk: (socket: WebSocket) => void) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  const seen: IncomingMessage[] = []
  server.on('connection', (socket, request) => {
    seen.push(request)
    talk(socket)
  })
  await once(server, 'listening')
  closing.push(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `ws://127.0.0.1:${port}`, port, seen }
}

async function answerHttp(
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  return await listening(createServer(listener))
}

async function listening(server: ReturnType<typeof createServer>): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The TCP connection below. */
function rawOf(socket: WebSocket) {
  return (socket as unknown as { _socket: import('node:net').Socket })._socket
}
