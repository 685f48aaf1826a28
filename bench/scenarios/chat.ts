import { startPictor, startPipe, startUpstream } from '../contenders.ts'
import { chat, load, median, post } from '../measure.ts'
import { memory, type Running, temporaryFolder } from '../processes.ts'
import { type Row, verdict } from '../report.ts'

const CONNECTIONS = 32

/** Chats that are passed on, against a pipe, and chats with pictures in them. */
export async function chats(rounds: number): Promise<Row[]> {
  return [...(await passedOn(rounds)), await instantPicture(), await largePictures()]
}

/** What one contender does in one round, with a reply or with a stream. */
interface Sample {
  /** Replies or streams per second. */
  rate: number
  /** Milliseconds at one connection that are added to the upstream's, which were measured right before. */
  addedP50: number
  addedFirst: number
}

interface Round {
  pipe: { reply: Sample; stream: Sample }
  pictor: { reply: Sample; stream: Sample }
}

async function passedOn(rounds: number): Promise<Row[]> {
  await using upstream = await startUpstream(10_000)
  const done: Round[] = []
  for (let round = 0; round < rounds; round += 1) {
    await using folder = await temporaryFolder()
    done.push({
      pipe: await sampleBoth(upstream.url, () => startPipe(upstream.url)),
      pictor: await sampleBoth(upstream.url, () => startPictor(upstream.url, folder.path)),
    })
  }
  return toRows(done)
}

async function sampleBoth(upstream: string, begin: () => Promise<Running>): Promise<Round['pipe']> {
  await using server = await begin()
  return {
    reply: await sample(upstream, server.url, false),
    stream: await sample(upstream, server.url, true),
  }
}

async function sample(upstream: string, server: string, stream: boolean): Promise<Sample> {
  const request = chat(server, { stream })
  await post(request, CONNECTIONS, 1)
  const direct = await load({ ...chat(upstream, { stream }), connections: 1, duration: 1 })
  const one = await load({ ...request, connections: 1, duration: 1 })
  const { rate } = await post(request, CONNECTIONS, 2)
  return { rate, addedP50: one.p50 - direct.p50, addedFirst: one.first - direct.first }
}

function toRows(rounds: readonly Round[]): Row[] {
  return [
    rateRow(`chat, 380-byte reply, ${CONNECTIONS} connections`, rounds, 'reply'),
    addedRow('the same, 1 connection: added p50', rounds, ['reply', 'addedP50'], 0.5),
    rateRow(`chat, stream of 200 deltas, ${CONNECTIONS} connections`, rounds, 'stream'),
    addedRow('the same, 1 connection: added p50 of the first byte', rounds, ['stream', 'addedFirst'], 1),
  ]
}

function rateRow(scenario: string, rounds: readonly Round[], form: 'reply' | 'stream'): Row {
  const rate = (name: keyof Round) => `${median(rounds.map((round) => round[name][form].rate)).toFixed(0)}/s`
  const ratios = rounds.map(({ pictor, pipe }) => pictor[form].rate / pipe[form].rate)
  return {
    scenario,
    pictor: rate('pictor'),
    comparedWith: `pipe ${rate('pipe')}`,
    ...verdict(ratios, '≥', 0.35),
  }
}

function addedRow(
  scenario: string,
  rounds: readonly Round[],
  [form, figure]: ['reply', 'addedP50'] | ['stream', 'addedFirst'],
  target: number,
): Row {
  const added = (name: keyof Round) => median(rounds.map((round) => round[name][form][figure]))
  return {
    scenario,
    pictor: `+${added('pictor').toFixed(2)} ms`,
    comparedWith: `pipe +${added('pipe').toFixed(2)} ms`,
    ...atMost(added('pictor'), target, 'ms', 2),
  }
}

const LONGEST_END = 60

/** An image model in a chat: how long the stream goes on after the upstream has sent all. */
async function instantPicture(): Promise<Row> {
  await using upstream = await startUpstream(1_500_000)
  await using folder = await temporaryFolder()
  await using server = await startPictor(upstream.url, folder.path)
  const request = chat(server.url, { model: 'gpt-image-1', stream: true })
  const one = { ...request, connections: 1, since: `${upstream.url}/ended` }
  await load({ ...one, duration: 1 })
  const { p50, p99, requests } = await load({ ...one, duration: 4 })
  return {
    scenario: "chat that draws 1.5 MB, stream: p50 from the upstream's last byte to the end",
    pictor: `${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms of ${requests}`,
    comparedWith: '',
    ...atMost(p50, LONGEST_END, 'ms', 0),
  }
}

const BYTES = 20_000_000
const SECONDS = 10
const CONCURRENT = 64
const MOST_MEMORY = 350
/** What a stream has that holds a link: more would be the picture. */
const LONGEST_STREAM = 10_000

/** Chats that get a picture of 20 MB as one line, at the same time over ten seconds. */
async function largePictures(): Promise<Row> {
  await using upstream = await startUpstream(BYTES, SECONDS)
  await using folder = await temporaryFolder()
  await using server = await startPictor(upstream.url, folder.path)
  const request = chat(server.url, { model: 'chat-draws', stream: true })
  await load({ ...request, connections: 1, count: 1 })
  const { bytes, longest } = await load({ ...request, connections: CONCURRENT, count: CONCURRENT })
  if (bytes > CONCURRENT * LONGEST_STREAM)
    throw new Error(`the chats had ${bytes} bytes: a picture was left in`)
  const peak = await memory(server.pid, 'VmHWM')
  return {
    scenario: '64 chats at once, each with 20 MB base64 in one line that takes 10 s: peak RSS',
    pictor: `${peak.toFixed(0)} MB, all ended after ${(longest / 1000).toFixed(1)} s`,
    comparedWith: '',
    ...atMost(peak, MOST_MEMORY, 'MB', 0),
  }
}

function atMost(value: number, target: number, unit: string, digits: number) {
  return {
    result: `**${value.toFixed(digits)} ${unit}**`,
    target: `≤ ${target} ${unit}`,
    reached: value <= target,
  }
}
