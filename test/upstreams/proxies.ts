import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net'

/** A proxy on loopback that leads every destination to one port of this machine. */
export interface FakeProxy extends AsyncDisposable {
  url: string
  /** What it was asked for so far: `host:port`, and who asked. */
  asked: { destination: string; user: string | undefined }[]
}

/** An HTTP proxy that only knows CONNECT. */
export async function startHttpProxy(target: number): Promise<FakeProxy> {
  const asked: FakeProxy['asked'] = []
  const server = createServer((_request, response) => {
    response.statusCode = 405
    response.end('only CONNECT')
  })
  server.on('connect', (request, socket: Socket) => {
    const [, basic] = (request.headers['proxy-authorization'] ?? '').split(' ')
    asked.push({ destination: request.url ?? '', user: basic && Buffer.from(basic, 'base64').toString() })
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
    join(socket, target)
  })
  return listening(server, 'http', asked)
}

/** A SOCKS5 proxy (RFC 1928) that takes any user and password (RFC 1929), or none. */
export async function startSocksProxy(target: number): Promise<FakeProxy> {
  const asked: FakeProxy['asked'] = []
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined)
    void (async () => {
      const methods = (await read(socket)).subarray(2)
      const wantsUser = methods.includes(2)
      socket.write(Buffer.from([5, wantsUser ? 2 : 0]))
      const user = wantsUser ? userIn(await read(socket)) : undefined
      if (wantsUser) socket.write(Buffer.from([1, 0]))
      asked.push({ destination: destinationIn(await read(socket)), user })
      socket.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 80]))
      join(socket, target)
    })()
  })
  return listening(server, 'socks5', asked)
}

async function read(socket: Socket): Promise<Buffer> {
  const [chunk] = await once(socket, 'data')
  return chunk as Buffer
}

function userIn(bytes: Buffer): string {
  const nameEnd = 2 + (bytes[1] ?? 0)
  return `${bytes.toString('utf8', 2, nameEnd)}:${bytes.toString('utf8', nameEnd + 1)}`
}

/** Address kinds: 1 IPv4, 3 a name. */
function destinationIn(bytes: Buffer): string {
  const port = bytes.readUInt16BE(bytes.length - 2)
  const host = bytes[3] === 3 ? bytes.toString('latin1', 5, bytes.length - 2) : bytes.subarray(4, 8).join('.')
  return `${host}:${port}`
}

function join(socket: Socket, target: number): void {
  const upstream = connect(target, '127.0.0.1')
  socket.on('error', () => upstream.destroy())
  upstream.on('error', () => socket.destroy())
  socket.pipe(upstream).pipe(socket)
}

async function listening(
  server: Server | TcpServer,
  scheme: string,
  asked: FakeProxy['asked'],
): Promise<FakeProxy> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
