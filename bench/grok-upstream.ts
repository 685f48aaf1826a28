import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { listen } from './listen.ts'
import { paintPicture } from './picture.ts'

/**
 * A raw socket of Grok's shape: `grok-upstream.ts <bytes of a picture>`. It answers a prompt at once with the start, the final
 * picture and the end. No two pictures are the same; nothing is worked out per picture but names and the last few bytes.
 */
const [bytes = 268_000] = process.argv.slice(2).map(Number)

const picture = paintPicture(bytes)
const base64 = Buffer.from(picture.head.toString('base64'))
let pictures = 0

const server = createServer((_request, response) => response.writeHead(426).end())
const sockets = new WebSocketServer({ server, perMessageDeflate: false })
sockets.on('connection', (socket) => {
  socket.on('error', () => undefined)
  socket.on('message', (data: Buffer) => {
    if (data.includes('"input_text"')) answer(socket)
  })
})

function answer(socket: WebSocket): void {
  pictures += 1
  const id = `00000000-0000-4000-8000-${String(pictures).padStart(12, '0')}`
  const { _socket: raw } = socket as unknown as { _socket: Socket }
  const slot = { image_id: id, job_id: id, order: 0 }
  raw.cork()
  writeText(raw, [status({ ...slot, current_status: 'start_stage', percentage_complete: 0 })])
  writeText(raw, [
    Buffer.from('{"type":"image","blob":"'),
    base64,
    Buffer.from(`${picture.tail(pictures).toString('base64')}",${facts(id)}}`),
  ])
  writeText(raw, [
    status({ ...slot, current_status: 'completed', percentage_complete: 100, moderated: false }),
  ])
  raw.uncork()
}

const status = (fields: Record<string, unknown>): Buffer =>
  Buffer.from(JSON.stringify({ type: 'json', ...fields }))

function facts(id: string): string {
  const fields = {
    job_id: id,
    id,
    order: 0,
    url: `https://imagine-public.x.ai/imagine-public/images/${id}.png`,
    prompt: 'a cat',
    full_prompt: 'A cat sits on a mat',
    percentage_complete: 100,
    model_name: 'imagine_x_1',
    r_rated: false,
  }
  return JSON.stringify(fields).slice(1, -1)
}

/** One frame without a mask, as a server sends it. */
function writeText(raw: Socket, parts: readonly Buffer[]): void {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10)
  head[0] = 0x81
  head[1] = length < 126 ? length : length < 65_536 ? 126 : 127
  if (head.length === 4) head.writeUInt16BE(length, 2)
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2)
  for (const part of [head, ...parts]) raw.write(part)
}

listen(server)
