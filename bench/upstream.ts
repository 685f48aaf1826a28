import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { sendDeltas, sendDrawn, sendReply } from './chat-replies.ts'
import { listen } from './listen.ts'
import { paintPicture } from './picture.ts'
import { trickle } from './trickle.ts'

/**
 * A raw upstream of OpenAI's shape: `upstream.ts <bytes of a picture> <seconds that its body takes>`.
 * No two pictures are the same. Nothing is worked out per request but the last few bytes.
 */
const [bytes = 1_500_000, seconds = 0] = process.argv.slice(2).map(Number)

const picture = paintPicture(bytes)
const base64 = Buffer.from(picture.head.toString('base64'))
const head = Buffer.concat([Buffer.from('{"created":1760000000,"data":[{"b64_json":"'), base64])
let pictures = 0
/** When the last byte of a picture went out, in ms since 1970. */
let ended = 0

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  void answer(request, response).catch(() => response.destroy())
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === '/v1/chat/completions') return await sendChat(request, response)
  for await (const _chunk of request);
  if (request.url === '/v1/models') return sendJson(response, { object: 'list', data: MODELS })
  if (request.url === '/ended') return sendJson(response, { ended })
  await sendPicture(response)
}

const MODELS = [
  { id: 'gpt-image-1' },
  { id: 'chat-plain', output_modalities: ['text'] },
  { id: 'chat-draws', output_modalities: ['text', 'image'] },
].map((model) => ({ ...model, object: 'model', created: 0, owned_by: 'bench' }))

function sendJson(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(value))
}

async function sendChat(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { model, stream } = (await json(request)) as { model?: string; stream?: boolean }
  if (model === 'chat-draws') {
    pictures += 1
    const tail = picture.tail(pictures).toString('base64')
    await sendDrawn(response, base64, tail, { number: pictures, seconds })
  } else if (stream) await sendDeltas(response)
  else sendReply(response)
}

async function sendPicture(response: ServerResponse): Promise<void> {
  pictures += 1
  const tail = Buffer.from(`${picture.tail(pictures).toString('base64')}"}]}`)
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': head.length + tail.length })
  response.once('finish', () => {
    ended = Date.now()
  })
  await trickle(response, head, seconds)
  response.end(tail)
}

listen(server)
