import { once } from 'node:events'
import { request } from 'undici'
import { WebSocket } from 'ws'
import type { BatchMessage, BatchTask } from '../contract/batch.ts'

/** What the listeners of one batch saw. */
export interface ListenersResult {
  /** Messages that all of them heard, the last one included. */
  messages: number
  /** From when a picture was kept until the last listener had heard of it, in ms: the longest of all pictures. */
  longest: number
  /** From the batch's beginning to the end that the last listener heard of, in ms. */
  elapsed: number
}

/** `listeners.ts <url> <key> <listeners> <pictures>`: a batch with so many listeners, each at a connection of its own. */
async function main([url = '', key = '', listeners = '1', pictures = '1']: readonly string[]): Promise<void> {
  const body = JSON.stringify({ prompt: 'a cat', model: 'gpt-image-1', count: Number(pictures) })
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...aClient() }
  const started = performance.now()
  const reply = await request(`${url}/api/v1/generate/batch`, { method: 'POST', headers, body })
  const answer = (await reply.body.json()) as { data: BatchTask }
  const seen = await Promise.all(
    Array.from({ length: Number(listeners) }, () => listen(url, key, answer.data.id)),
  )
  const elapsed = performance.now() - started
  const counts = seen.map(({ heard }) => heard)
  const result: ListenersResult = {
    messages: Math.min(...counts),
    longest: Math.max(...seen.map(({ longest }) => longest)),
    elapsed,
  }
  console.log(JSON.stringify(result))
}

async function listen(url: string, key: string, taskId: string) {
  const address = `${url.replace('http', 'ws')}/api/v1/ws/generate/${taskId}?key=${key}`
  const socket = new WebSocket(address, { headers: aClient() })
  let [heard, longest, opened] = [0, 0, 0]
  socket.on('open', () => {
    opened = Date.now()
  })
  socket.on('message', (data) => {
    const now = Date.now()
    const { latestImage } = JSON.parse(String(data)) as BatchMessage
    heard += 1
    const kept = latestImage === null ? Number.NaN : Date.parse(latestImage.createdAt)
    // What was kept before is told on arrival, and not late.
    if (kept > opened) longest = Math.max(longest, now - kept)
  })
  await once(socket, 'close')
  return { heard, longest }
}

/** As if each connection came from a client of its own, or the rate limit would answer. */
function aClient(): Record<string, string> {
  clients += 1
  return { 'x-forwarded-for': `10.0.${(clients >> 8) & 255}.${clients & 255}` }
}

let clients = 0

await main(process.argv.slice(2))
