import { stopAll } from './processes.ts'
import { circumstances, currentLoad, type Row, toTable, writeResults } from './report.ts'
import { batches } from './scenarios/batch.ts'
import { chats } from './scenarios/chat.ts'
import { exports } from './scenarios/export.ts'
import { generations } from './scenarios/generations.ts'
import { grok } from './scenarios/grok.ts'
import { history } from './scenarios/history.ts'
import { images } from './scenarios/images.ts'
import { keys } from './scenarios/keys.ts'
import { idle, slowUpstream } from './scenarios/memory.ts'
import { objects } from './scenarios/objects.ts'
import { profileChat, profileGenerations, profileGrok, profileImages } from './scenarios/profiles.ts'
import { searches } from './scenarios/search.ts'

/** Three take less than four minutes; the table shows the median and how far they lie apart. */
const ROUNDS = 3

const SCENARIOS: Record<string, () => Promise<Row[]>> = {
  generations: () => generations(ROUNDS),
  slow: slowUpstream,
  images: () => images(ROUNDS),
  chat: () => chats(ROUNDS),
  batch: () => batches(ROUNDS),
  keys: () => keys(ROUNDS),
  history,
  objects: () => objects(ROUNDS),
  export: () => exports(ROUNDS),
  idle,
  search: searches,
  grok: () => grok(ROUNDS),
}

const PROFILES: Record<string, () => Promise<string>> = {
  generations: () => profileGenerations('url'),
  base64: () => profileGenerations('b64_json'),
  images: () => profileImages(''),
  chat: () => profileChat(false),
  'chat-stream': () => profileChat(true),
  thumbnails: () => profileImages('/thumbnail'),
  grok: profileGrok,
}

/** `npm run bench -- [--profile] [names]`: the whole run is written to the README, a part of it only shown. */
async function main(args: readonly string[]): Promise<void> {
  const asked = args.filter((arg) => arg !== '--profile')
  if (args.includes('--profile')) {
    for (const [, profile] of choose(PROFILES, asked)) console.log(await profile())
    return
  }
  const load = currentLoad()
  const started = performance.now()
  const rows: Row[] = []
  for (const [name, scenario] of choose(SCENARIOS, asked)) {
    console.error(`${name} …`)
    rows.push(...(await scenario()))
  }
  const command = ['npm run bench', ...(asked.length > 0 ? ['--', ...asked] : [])].join(' ')
  const text = `${circumstances(command, load, (performance.now() - started) / 1000)}\n\n${toTable(rows)}`
  console.log(`\n${text}`)
  if (asked.length === 0) await writeResults(text)
}

function choose<T>(all: Record<string, T>, asked: readonly string[]): [string, T][] {
  const unknown = asked.find((name) => !(name in all))
  if (unknown !== undefined) throw new Error(`${unknown} is none of ${Object.keys(all).join(', ')}`)
  return Object.entries(all).filter(([name]) => asked.length === 0 || asked.includes(name))
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void stopAll())
}
try {
  await main(process.argv.slice(2))
} finally {
  await stopAll()
}
