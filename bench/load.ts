import { Pool, request } from 'undici'

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
  /** Address that tells, as `ended`, since when (ms since 1970) the time of the last request counts; for one connection. */
  since?: string
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
  /** Median of the milliseconds until the first byte of a body. */
  first: number
  /** Bytes of all replies. */
  bytes: number
}

/** `load.ts <LoadOptions as JSON>` prints a LoadResult as JSON. A process of its own, so that nothing else delays it. */
async function main(options: LoadOptions): Promise<void> {
  const { origin, pathname, search } = new URL(options.url)
  const pool = new Pool(origin, { connections: options.connections, headersTimeout: 0, bodyTimeout: 0 })
  const { duration = Number.POSITIVE_INFINITY, count = Number.POSITIVE_INFINITY } = options
  const times: number[] = []
  const firsts: number[] = []
  let [sent, errors, bytes] = [0, 0, 0]
  const started = performance.now()
  const deadline = started + duration * 1000

  async function connection(): Promise<void> {
    while (sent < count && performance.now() < deadline && errors < MOST_ERRORS) {
      sent += 1
      const begun = performance.now()
      const reply = await ask().catch(() => undefined)
      const ended = performance.now()
      if (reply === undefined) errors += 1
      else if (ended <= deadline) {
        times.push(options.since === undefined ? ended - begun : await timeSince(options.since))
        firsts.push(reply.first - begun)
        bytes += reply.length
      }
      if (options.pause) await new Promise((resolve) => setTimeout(resolve, options.pause))
    }
  }

  /** Length of the reply's body, and when its first byte came. */
  async function ask(): Promise<{ length: number; first: number }> {
    const { method, headers = {}, body = null } = options
    const reply = await pool.request({ path: pathname + search, method, headers, body })
    let [length, first] = [0, Number.NaN]
    for await (const chunk of reply.body) {
      if (length === 0) first = performance.now()
      length += chunk.length
    }
    if (reply.statusCode !== 200) throw new Error(`status ${reply.statusCode}`)
    return { length, first }
  }

  await Promise.all(Array.from({ length: options.connections }, connection))
  const elapsed = (Math.min(performance.now(), deadline) - started) / 1000
  const result: LoadResult = {
    requests: times.length,
    errors,
    rate: times.length / elapsed,
    p50: at(times, 0.5),
    p99: at(times, 0.99),
    longest: at(times, 1),
    first: at(firsts, 0.5),
    bytes,
  }
  console.log(JSON.stringify(result))
  await pool.destroy()
}

/** Milliseconds from what the address tells until now, which is read before it is asked. */
async function timeSince(address: string): Promise<number> {
  const now = Date.now()
  const { ended } = (await (await request(address)).body.json()) as { ended: number }
  return now - ended
}

function at(times: readonly number[], part: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}

/** Something is broken then, and asking on would only heat the room. */
const MOST_ERRORS = 100

await main(JSON.parse(process.argv[2] ?? '{}') as LoadOptions)
