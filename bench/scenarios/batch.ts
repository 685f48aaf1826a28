import { API_KEY, startPictor, startUpstream } from '../contenders.ts'
import type { ListenersResult } from '../listeners.ts'
import { generation, load, median } from '../measure.ts'
import { output, script, temporaryFolder } from '../processes.ts'
import { type Row, verdict } from '../report.ts'

const BYTES = 100_000
const WORKERS = 6
const ENVIRONMENT = { WORKERS: String(WORKERS), TRUST_PROXY: 'loopback' }

/** Batches of 100 against single requests, and many listeners to one batch. */
export async function batches(rounds: number): Promise<Row[]> {
  return [await batchOf100(rounds), await manyListeners()]
}

async function batchOf100(rounds: number): Promise<Row> {
  await using upstream = await startUpstream(BYTES)
  const samples: { single: number; batch: number }[] = []
  for (let round = 0; round < rounds; round += 1) {
    await using folder = await temporaryFolder()
    await using server = await startPictor(upstream.url, folder.path, [], ENVIRONMENT)
    const single = { ...generation(server.url, 'url'), connections: WORKERS }
    await load({ ...single, duration: 1 })
    const batch: number[] = []
    for (let index = 0; index < 4; index += 1) {
      const { elapsed } = await listeners(server.url, 1, 100)
      // The first one warms up.
      if (index > 0) batch.push(100_000 / elapsed)
    }
    samples.push({ single: (await load({ ...single, duration: 2 })).rate, batch: median(batch) })
  }
  const perSecond = (values: readonly number[]) => `${median(values).toFixed(0)} pictures/s`
  return {
    scenario: `batch of 100 × 100 KB, ${WORKERS} workers, one listener`,
    pictor: perSecond(samples.map(({ batch }) => batch)),
    comparedWith: `single requests, ${WORKERS} connections: ${perSecond(samples.map(({ single }) => single))}`,
    ...verdict(
      samples.map(({ single, batch }) => batch / single),
      '≥',
      0.6,
    ),
  }
}

const LISTENERS = 1000
const LONGEST = 250

async function manyListeners(): Promise<Row> {
  await using upstream = await startUpstream(BYTES, 0.5)
  await using folder = await temporaryFolder()
  await using server = await startPictor(upstream.url, folder.path, [], ENVIRONMENT)
  await listeners(server.url, 50, 20)
  const { longest, messages } = await listeners(server.url, LISTENERS, 100)
  return {
    scenario: `${LISTENERS} WebSocket listeners on a batch of 100, about ${WORKERS / 0.5} pictures/s: until the last one heard of a picture`,
    pictor: `${longest.toFixed(0)} ms at most, ${messages} messages to each`,
    comparedWith: '',
    result: `**${longest.toFixed(0)} ms**`,
    target: `≤ ${LONGEST} ms`,
    reached: longest <= LONGEST,
  }
}

async function listeners(url: string, count: number, pictures: number): Promise<ListenersResult> {
  return JSON.parse(await output('load', script('listeners.ts', url, API_KEY, count, pictures)))
}
