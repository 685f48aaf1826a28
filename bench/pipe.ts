import { createServer } from 'node:http'
import { Pool } from 'undici'
import { listen } from './listen.ts'

/** What a proxy costs that reads nothing: both bodies are piped through. `pipe.ts <upstream>` */
const [upstream = ''] = process.argv.slice(2)
const pool = new Pool(upstream)

const server = createServer(async (request, response) => {
  const { url: path = '/', headers } = request
  const reply = await pool.request({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', 'content-length': headers['content-length'] },
    body: request,
  })
  response.writeHead(reply.statusCode, { 'content-type': String(reply.headers['content-type']) })
  reply.body.once('error', () => response.destroy()).pipe(response)
})

listen(server)
