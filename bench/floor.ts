import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { Pool } from 'undici'
import { listen } from './listen.ts'

/**
 * The least that must be done, written plainly: ask, buffer the reply, decode, hash, write. `floor.ts <upstream> <folder> [synced]`;
 * `synced` forces each file to the disk, which a server must do that keeps what it said it kept.
 */
const [upstream = '', folder = '', synced] = process.argv.slice(2)
const pool = new Pool(upstream)

const server = createServer(async (request, response) => {
  const asked = await request.toArray()
  const headers = { 'content-type': 'application/json' }
  const reply = await pool.request({
    method: 'POST',
    path: '/v1/images/generations',
    headers,
    body: Buffer.concat(asked),
  })
  const body = Buffer.concat(await reply.body.toArray())
  const start = body.indexOf('"b64_json":"') + 12
  const picture = Buffer.from(body.toString('latin1', start, body.indexOf('"', start)), 'base64')
  const name = createHash('sha256').update(picture).digest('hex')
  await writeFile(join(folder, name), picture, { flush: synced !== undefined })
  response.writeHead(200, headers).end(`{"data":[{"url":"http://127.0.0.1/${name}"}]}`)
})

listen(server)
