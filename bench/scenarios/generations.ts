import { CONTENDERS, type Contender, startContender, startUpstream } from '../contenders.ts'
import type { LoadResult } from '../load.ts'
import { generation, load, median } from '../measure.ts'
import { memory, temporaryFolder } from '../processes.ts'
import { type Row, spread, verdict } from '../report.ts'

const BYTES = 1_500_000
const CONNECTIONS = 32

/** One contender in one round. */
interface Sample {
  many: LoadResult
  one: LoadResult
  /** Median time of the upstream alone, right before, in ms. */
  direct: number
  base64?: LoadResult
  /** Highest resident memory in MB. */
  peak: number
}

type Round = Record<Contender, Sample>

/** Generations of 1.5 MB pictures against the three floors, one after the other in each round. */
export async function generations(rounds: number): Promise<Row[]> {
  await using upstream = await startUpstream(BYTES)
  const done: Round[] = []
  for (let round = 0; round < rounds; round += 1) {
    const samples: Partial<Round> = {}
    for (const name of CONTENDERS) samples[name] = await sample(name, upstream.url)
    done.push(samples as Round)
  }
  return toRows(done)
}

/** A fresh process and folder each time, so that nobody works on what another one left. */
async function sample(name: Contender, upstream: string): Promise<Sample> {
  await using folder = await temporaryFolder()
  const direct = await load({ ...generation(upstream, 'url'), connections: 1, duration: 0.7 })
  await using server = await startContender(name, upstream, folder.path)
  const many = { ...generation(server.url, 'url'), connections: CONNECTIONS }
  await load({ ...many, duration: 1 })
  const one = await load({ ...generation(server.url, 'url'), connections: 1, duration: 1.5 })
  const result = { direct: direct.p50, one, many: await load({ ...many, duration: 3 }) }
  const peak = await memory(server.pid, 'VmHWM')
  if (name !== 'pictor') return { ...result, peak }
  const base64 = await load({ ...generation(server.url, 'b64_json'), connections: CONNECTIONS, duration: 3 })
  return { ...result, base64, peak }
}

function toRows(rounds: readonly Round[]): Row[] {
  const rates = (name: Contender) => rounds.map((round) => round[name].many.rate)
  const ratios = (name: Contender) => rounds.map((round) => round.pictor.many.rate / round[name].many.rate)
  const added = (round: Round, name: Contender) => round[name].one.p50 - round[name].direct
  const base64 = rounds.map((round) => round.pictor.base64?.rate ?? Number.NaN)
  const perSecond = (values: readonly number[]) => `${median(values).toFixed(0)}/s`
  const latency = (name: Contender) => `+${median(rounds.map((round) => added(round, name))).toFixed(1)} ms`
  const peak = (name: Contender) =>
    `peak RSS ${median(rounds.map((round) => round[name].peak)).toFixed(0)} MB`
  const latencies = (name: Contender) => rounds.map((round) => added(round, 'pictor') / added(round, name))
  const direct = median(rounds.flatMap((round) => CONTENDERS.map((name) => round[name].direct)))
  return [
    {
      scenario: 'generations, 1.5 MB, URL reply, 32 connections',
      pictor: `${perSecond(rates('pictor'))}, ${peak('pictor')}`,
      comparedWith: `floor ${perSecond(rates('floor'))}, ${peak('floor')}`,
      ...verdict(ratios('floor'), '≥', 1),
    },
    {
      scenario: 'the same, stricter',
      pictor: perSecond(rates('pictor')),
      comparedWith: `streaming floor ${perSecond(rates('floor-streaming'))}, ${peak('floor-streaming')}`,
      result: spread(ratios('floor-streaming')),
      target: '',
    },
    {
      scenario: 'the same, as durable',
      pictor: perSecond(rates('pictor')),
      comparedWith: `synced floor ${perSecond(rates('floor-synced'))}`,
      result: spread(ratios('floor-synced')),
      target: '',
    },
    {
      scenario: `the same, 1 connection: p50 added to the upstream's ${direct.toFixed(1)} ms`,
      pictor: latency('pictor'),
      comparedWith: `floor ${latency('floor')}`,
      ...verdict(latencies('floor'), '≤', 1.2),
    },
    {
      scenario: 'the same, stricter',
      pictor: latency('pictor'),
      comparedWith: `streaming floor ${latency('floor-streaming')}`,
      result: spread(latencies('floor-streaming')),
      target: '',
    },
    {
      scenario: 'the same, as durable',
      pictor: latency('pictor'),
      comparedWith: `synced floor ${latency('floor-synced')}`,
      result: spread(latencies('floor-synced')),
      target: '',
    },
    {
      scenario: 'generations, 1.5 MB, `b64_json` reply, 32 connections',
      pictor: perSecond(base64),
      comparedWith: `floor with URL reply ${perSecond(rates('floor'))}`,
      ...verdict(
        rounds.map((round, index) => (base64[index] ?? Number.NaN) / round.floor.many.rate),
        '≥',
        0.5,
      ),
    },
  ]
}
