import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'

export interface Delivery {
  headers: IncomingHttpHeaders
  body: string
}

/** A receiver of webhooks on 127.0.0.1 that answers with the given statuses, the last one for ever. */
export async function startReceiver(...statuses: number[]) {
  const deliveries: Delivery[] = []
  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of request) chunks.push(chunk)
    deliveries.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
    response.writeHead(statuses[Math.min(deliveries.length, statuses.length) - 1] ?? 200).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}/hook`,
    deliveries,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Whether a delivery is signed with a key, as a receiver checks it (standardwebhooks.com). */
export function isSignedWith(key: Buffer, { headers, body }: Delivery): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  const isRecent = Math.abs(Number(timestamp) - Date.now() / 1000) < 300
  return isRecent && String(signatures).split(' ').includes(`v1,${expected}`)
}
