import { createHash } from 'node:crypto'
import { open, rename } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { Pool } from 'undici'
import { listen } from './listen.ts'

/** The same as floor.ts, but while the reply arrives. `floor-streaming.ts <upstream> <folder>` */
const [upstream = '', folder = ''] = process.argv.slice(2)
const pool = new Pool(upstream)
const GATHER = 256 * 1024
const free: Buffer[] = []
let files = 0

const server = createServer(async (request, response) => {
  const asked = await request.toArray()
  const headers = { 'content-type': 'application/json' }
  const reply = await pool.request({
    method: 'POST',
    path: '/v1/images/generations',
    headers,
    body: Buffer.concat(asked),
  })
  const name = await keep(reply.body)
  response.writeHead(200, headers).end(`{"data":[{"url":"http://127.0.0.1/${name}"}]}`)
})

/** The base64 between `"b64_json":"` and the next quote goes to a file, which is named for its hash. */
async function keep(body: AsyncIterable<Buffer>): Promise<string> {
  files += 1
  const path = join(folder, String(files))
  const hash = createHash('sha256')
  const buffer = free.pop() ?? Buffer.allocUnsafeSlow(GATHER)
  await using file = await open(path, 'w')
  let filled = 0
  const flush = async () => {
    hash.update(buffer.subarray(0, filled))
    await file.write(buffer, 0, filled)
    filled = 0
  }
  for await (const text of base64In(body)) {
    if (filled + text.length > GATHER) await flush()
    filled += buffer.write(text, filled, 'base64')
  }
  await flush()
  free.push(buffer)
  const name = hash.digest('hex')
  await rename(path, join(folder, name))
  return name
}

/** Whole groups of four characters. */
async function* base64In(body: AsyncIterable<Buffer>): AsyncIterable<string> {
  let started = false
  let done = false
  let rest = ''
  for await (const chunk of body) {
    if (done) continue
    const start = started ? 0 : chunk.indexOf('"b64_json":"') + 12
    started = true
    const quote = chunk.indexOf('"', start)
    done = quote !== -1
    const text = rest + chunk.toString('latin1', start, done ? quote : chunk.length)
    const whole = text.length & ~3
    rest = text.slice(whole)
    yield text.slice(0, whole)
  }
}

listen(server)
