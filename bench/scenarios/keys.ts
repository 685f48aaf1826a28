import { createKeys } from '../../src/access/keys.ts'
import { connect } from '../../src/db/connect.ts'
import { startPictor, startUpstream } from '../contenders.ts'
import { generation, load, median } from '../measure.ts'
import { type Running, temporaryFolder } from '../processes.ts'
import type { Row } from '../report.ts'

const BYTES = 2000
/** Milliseconds. */
const MOST = 0.3

/** What a key with limits adds to a small request, against a server that asks for no key. */
export async function keys(rounds: number): Promise<Row[]> {
  await using upstream = await startUpstream(BYTES)
  await using limited = await temporaryFolder()
  await using open = await temporaryFolder()
  const secret = await makeKey(limited.path)
  await using withKey = await startPictor(upstream.url, limited.path)
  await using without = await startPictor(upstream.url, open.path, [], { AUTH: 'off' })
  const samples: { key: number; none: number }[] = []
  // The first of them warms up.
  for (let round = 0; round < 4 * rounds + 1; round += 1) {
    const sample = { key: await latency(withKey, secret), none: await latency(without, secret) }
    if (round > 0) samples.push(sample)
  }
  const added = samples.map(({ key, none }) => key - none)
  const [low, middle, high] = [Math.min(...added), median(added), Math.max(...added)].map(signed)
  return [
    {
      scenario: 'a key with a daily, a monthly and a rate limit, tiny picture, 1 connection: p50',
      pictor: `${median(samples.map(({ key }) => key)).toFixed(2)} ms`,
      comparedWith: `AUTH=off ${median(samples.map(({ none }) => none)).toFixed(2)} ms`,
      result: `**${middle} ms** (${low} to ${high})`,
      target: `≤ ${MOST} ms`,
      reached: median(added) <= MOST,
    },
  ]
}

const signed = (milliseconds: number): string => `${milliseconds < 0 ? '' : '+'}${milliseconds.toFixed(2)}`

/** Before the server starts, which has the database for itself then. */
async function makeKey(folder: string): Promise<string> {
  const database = await connect(`sqlite:${folder}/pictor.sqlite`)
  try {
    await database.migrate()
    const limits = { dailyLimit: 1_000_000, monthlyLimit: 1_000_000, rpm: 100_000 }
    const { secret } = await createKeys(database, { now: Date.now }, undefined).create({
      name: 'bench',
      ...limits,
    })
    return secret
  } finally {
    await database.close()
  }
}

async function latency({ url }: Running, secret: string): Promise<number> {
  const request = generation(url, 'url')
  const headers = { ...request.headers, authorization: `Bearer ${secret}` }
  return (await load({ ...request, headers, connections: 1, duration: 1.5 })).p50
}
