import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startPictor } from '../contenders.ts'
import { generation, load, median } from '../measure.ts'
import { memory, output, type Running, script, start, temporaryFolder } from '../processes.ts'
import type { Row } from '../report.ts'

const BYTES = 268_000
const CONNECTIONS = 16
const TARGET_RATE = 300
const TARGET_ADDED = 5

interface Sample {
  rate: number
  p50: number
  /** Of the upstream alone, right before, in ms. */
  direct: number
  /** Highest resident memory in MB. */
  peak: number
}

/** Pictures over Grok's socket, from an upstream that answers at once. */
export async function grok(rounds: number): Promise<Row[]> {
  await using upstream = await startGrokUpstream()
  const samples: Sample[] = []
  for (let round = 0; round < rounds; round += 1) samples.push(await sample(upstream))
  const rates = samples.map(({ rate }) => rate)
  const added = samples.map(({ p50, direct }) => p50 - direct)
  const range = (values: readonly number[], digits: number) =>
    `(${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)})`
  const direct = median(samples.map((one) => one.direct))
  return [
    {
      scenario: `Grok, n=1, 268 KB over a WebSocket each, URL reply, ${CONNECTIONS} connections`,
      pictor: `${median(rates).toFixed(0)}/s, peak RSS ${median(samples.map(({ peak }) => peak)).toFixed(0)} MB`,
      comparedWith: '',
      result: `**${median(rates).toFixed(0)}/s** ${range(rates, 0)}`,
      target: `≥ ${TARGET_RATE}/s`,
      reached: median(rates) >= TARGET_RATE,
    },
    {
      scenario: `the same, 1 connection: p50 added to the upstream's ${direct.toFixed(1)} ms`,
      pictor: `+${median(added).toFixed(1)} ms`,
      comparedWith: '',
      result: `**${median(added).toFixed(1)} ms** ${range(added, 1)}`,
      target: `≤ ${TARGET_ADDED} ms`,
      reached: median(added) <= TARGET_ADDED,
    },
  ]
}

/** The address is that of HTTP; the socket has the same. */
export const startGrokUpstream = (): Promise<Running> => start('load', script('grok-upstream.ts', BYTES))

/** Pictor with an account at a fake Grok. */
export async function startWithGrok(
  upstream: Running,
  folder: string,
  nodeArguments: readonly string[] = [],
): Promise<Running> {
  const tokens = join(folder, 'key.txt')
  await writeFile(tokens, 'bench-token\n')
  const env = { GROK_WS_URL: socketOf(upstream), SSO_FILE: tokens }
  return startPictor(upstream.url, folder, nodeArguments, env)
}

/** A request for a picture of Grok. */
export const grokGeneration = (url: string) => generation(url, 'url', 'grok-imagine-1.0')

async function sample(upstream: Running): Promise<Sample> {
  await using folder = await temporaryFolder()
  const direct = JSON.parse(await output('load', script('grok-direct.ts', socketOf(upstream), 1))) as {
    p50: number
  }
  await using pictor = await startWithGrok(upstream, folder.path)
  const request = grokGeneration(pictor.url)
  await load({ ...request, connections: CONNECTIONS, duration: 1 })
  const one = await load({ ...request, connections: 1, duration: 1.5 })
  const many = await load({ ...request, connections: CONNECTIONS, duration: 3 })
  return { rate: many.rate, p50: one.p50, direct: direct.p50, peak: await memory(pictor.pid, 'VmHWM') }
}

const socketOf = ({ url }: Running): string => `${url.replace('http', 'ws')}/ws/imagine/listen`
