import { setTimeout as sleep } from 'node:timers/promises'
import { startPictor, startUpstream } from '../contenders.ts'
import { generation, load } from '../measure.ts'
import { memory, temporaryFolder, watchChildren } from '../processes.ts'
import type { Row } from '../report.ts'

const BYTES = 20_000_000
const SECONDS = 10
const CONCURRENT = 64
const MOST_MEMORY = 300
const MOST_DELAY = 50

/** 64 pictures of 20 MB that arrive at the same time over ten seconds. */
export async function slowUpstream(): Promise<Row[]> {
  await using upstream = await startUpstream(BYTES, SECONDS)
  await using folder = await temporaryFolder()
  await using server = await startPictor(upstream.url, folder.path)
  using children = watchChildren(server.pid)
  await load({ ...generation(server.url, 'url'), connections: 1, count: 1 })
  await loopDelay(server.url)
  const [pictures, probes] = await Promise.all([
    load({ ...generation(server.url, 'url'), connections: CONCURRENT, count: CONCURRENT }),
    load({ url: `${server.url}/api`, method: 'GET', connections: 1, duration: SECONDS + 1, pause: 10 }),
  ])
  const delay = await loopDelay(server.url)
  const peak = await memory(server.pid, 'VmHWM')
  const ended = `all replied after ${(pictures.longest / 1000).toFixed(1)} s`
  return [
    {
      scenario: '64 × 20 MB at once through an upstream that takes 10 s: peak RSS',
      pictor: `${peak.toFixed(0)} MB, ${ended}`,
      comparedWith: `thumbnail child ${children.peak().toFixed(0)} MB more`,
      result: `**${peak.toFixed(0)} MB**`,
      target: `≤ ${MOST_MEMORY} MB`,
      reached: peak <= MOST_MEMORY,
    },
    {
      scenario: '… and event loop delay meanwhile, p99',
      pictor: `${delay.p99.toFixed(1)} ms, longest ${delay.longest.toFixed(0)} ms`,
      comparedWith: `\`GET /api\` meanwhile: p50 ${probes.p50.toFixed(1)}, p99 ${probes.p99.toFixed(1)} ms`,
      result: `**${delay.p99.toFixed(1)} ms**`,
      target: `≤ ${MOST_DELAY} ms`,
      reached: delay.p99 <= MOST_DELAY,
    },
  ]
}

const IDLE_SECONDS = 10
const MOST_IDLE = 150

/** Memory of a server that nobody has asked anything. */
export async function idle(): Promise<Row[]> {
  await using upstream = await startUpstream(BYTES)
  await using folder = await temporaryFolder()
  await using server = await startPictor(upstream.url, folder.path)
  await sleep(IDLE_SECONDS * 1000)
  const resident = await memory(server.pid, 'VmRSS')
  return [
    {
      scenario: `idle, ${IDLE_SECONDS} s after the start: RSS`,
      pictor: `${resident.toFixed(0)} MB`,
      comparedWith: '',
      result: `**${resident.toFixed(0)} MB**`,
      target: `≤ ${MOST_IDLE} MB`,
      reached: resident <= MOST_IDLE,
    },
  ]
}

/** The event loop's delay since the last time that this was asked, in ms. */
async function loopDelay(url: string): Promise<{ p99: number; longest: number }> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const read = (name: string) =>
    Number(new RegExp(`^nodejs_eventloop_lag_${name}_seconds (\\S+)`, 'm').exec(text)?.[1]) * 1000
  return { p99: read('p99'), longest: read('max') }
}
