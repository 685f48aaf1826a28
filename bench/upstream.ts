import { createServer, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { listen } from './listen.ts'
import { paintPicture } from './picture.ts'

/**
 * A raw upstream of OpenAI's shape: `upstream.ts <bytes of a picture> <seconds that its body takes>`.
 * No two pictures are the same. Nothing is worked out per request but the last few bytes.
 */
const [bytes = 1_500_000, seconds = 0] = process.argv.slice(2).map(Number)

const picture = paintPicture(bytes)
const head = Buffer.from(`{"created":1760000000,"data":[{"b64_json":"${picture.head.toString('base64')}`)
let pictures = 0

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume().once('end', () => {
    if (request.url === '/v1/models') return void sendModels(response)
    void sendPicture(response).catch(() => response.destroy())
  })
})

function sendModels(response: ServerResponse): void {
  response.setHeader('content-type', 'application/json')
  response.end(
    '{"object":"list","data":[{"id":"gpt-image-1","object":"model","created":0,"owned_by":"bench"}]}',
  )
}

async function sendPicture(response: ServerResponse): Promise<void> {
  pictures += 1
  const tail = Buffer.from(`${picture.tail(pictures).toString('base64')}"}]}`)
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': head.length + tail.length })
  if (seconds > 0) await trickle(response)
  else response.write(head)
  response.end(tail)
}

const STEPS_PER_SECOND = 10

/** Spreads the body over the time; a reader that is slower than that gets no more than it takes. */
async function trickle(response: ServerResponse): Promise<void> {
  const steps = seconds * STEPS_PER_SECOND
  const started = performance.now()
  for (let step = 0; step < steps && !response.destroyed; step += 1) {
    const at = (part: number) => Math.round((head.length * part) / steps)
    const isTaken = response.write(head.subarray(at(step), at(step + 1)))
    if (!isTaken) await roomIn(response)
    await sleep(Math.max(0, started + ((step + 1) * 1000) / STEPS_PER_SECOND - performance.now()))
  }
}

function roomIn(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}

listen(server)
