import { Pool } from 'undici'

/** What to ask, how often, and how many at once. */
export interface LoadOptions {
  url: string
  method: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string
  connections: number
  /** Seconds; the requests under way then are finished and not counted. */
  duration?: number
  /** Most requests. */
  count?: number
  /** Milliseconds between a reply and the next request of the same connection. */
  pause?: number
}

export interface LoadResult {
  requests: number
  errors: number
  /** Requests per second. */
  rate: number
  /** Milliseconds. */
  p50: number
  p99: number
  longest: number
  /** Bytes of all replies. */
  bytes: number
}

/** `load.ts <LoadOptions as JSON>` prints a LoadResult as JSON. A process of its own, so that nothing else delays it. */
async function main(options: LoadOptions): Promise<void> {
  const { origin, pathname, search } = new URL(options.url)
  const pool = new Pool(origin, { connections: options.connections, headersTimeout: 0, bodyTimeout: 0 })
  const { duration = Number.POSITIVE_INFINITY, count = Number.POSITIVE_INFINITY } = options
  const times: number[] = []
  let [sent, errors, bytes] = [0, 0, 0]
  const started = performance.now()
  const deadline = started + duration * 1000

  async function connection(): Promise<void> {
    while (sent < count && performance.now() < deadline && errors < MOST_ERRORS) {
      sent += 1
      const begun = performance.now()
      const length = await ask().catch(() => undefined)
      const ended = performance.now()
      if (length === undefined) errors += 1
      else if (ended <= deadline) {
        times.push(ended - begun)
        bytes += length
      }
      if (options.pause) await new Promise((resolve) => setTimeout(resolve, options.pause))
    }
  }

  /** Length of the reply. */
  async function ask(): Promise<number> {
    const { method, headers = {}, body = null } = options
    const reply = await pool.request({ path: pathname + search, method, headers, body })
    let length = 0
    for await (const chunk of reply.body) length += chunk.length
    if (reply.statusCode !== 200) throw new Error(`status ${reply.statusCode}`)
    return length
  }

  await Promise.all(Array.from({ length: options.connections }, connection))
  const elapsed = (Math.min(performance.now(), deadline) - started) / 1000
  times.sort((a, b) => a - b)
  const at = (part: number) =>
    times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? Number.NaN
  const result: LoadResult = {
    requests: times.length,
    errors,
    rate: times.length / elapsed,
    p50: at(0.5),
    p99: at(0.99),
    longest: times.at(-1) ?? Number.NaN,
    bytes,
  }
  console.log(JSON.stringify(result))
  await pool.destroy()
}

/** Something is broken then, and asking on would only heat the room. */
const MOST_ERRORS = 100

await main(JSON.parse(process.argv[2] ?? '{}') as LoadOptions)
