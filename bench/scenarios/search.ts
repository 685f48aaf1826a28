import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { newId } from '../../src/base/id.ts'
import { connect, type Database } from '../../src/db/connect.ts'
import { createSearchIndex, type SearchIndex } from '../../src/search/search-index.ts'
import { temporaryFolder } from '../processes.ts'
import { promptOf } from '../prompts.ts'
import type { Row } from '../report.ts'

const PROMPTS = 1_000_000
const BATCH = 10_000

/** One owner has 19 of 20 prompts; the rest is shared by a hundred, who have 500 each. */
const MAIN_OWNER = 'main'
const SMALL_OWNERS = 100
const OWNERS = [undefined, MAIN_OWNER, 'small7']

/** Common and rare words in either language, and those of which each is common and both are rare together. */
const KEYWORDS = [
  ['a', 'girl', 'masterpiece', '的', '油画', '女孩', '8k', 'pirate', '美人鱼', 'hemtupi', 'absent'],
  [
    'in the',
    'beautiful girl',
    '油画女孩',
    '的 和',
    'cat hemmi',
    '海盗 章鱼',
    '8k 高清',
    'girl 女孩',
    'golden hour',
  ],
  [
    'a of the',
    '写实绘画创作',
    'girl in rain',
    'oil painting forest',
    '油画 猫 花园',
    'mermaid pirate tower',
    '的 和 在',
  ],
].flat()

const ROUNDS = 10
const NEW_PROMPTS = 1000
const PAGE = 20

/** Search over a million prompts in SQLite, in this process, with its files in the system's cache. */
export async function searches(): Promise<Row[]> {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'search.db')
  const database = await connect(`sqlite:${path}`)
  try {
    await database.migrate()
    const index = createSearchIndex(database)
    await seed(database, index)
    await sql`pragma wal_checkpoint(truncate)`.execute(database.query)
    const { size } = await stat(path)
    const about = `${PROMPTS} prompts, ${(size / 1e6).toFixed(0)} MB`
    const newest = await measure((owner, text) => index.newest(database.query, { owner, text, limit: PAGE }))
    const relevant = await measure((owner, text) =>
      index.relevant(database.query, { owner, text, offset: 0, limit: PAGE }),
    )
    const added = await addOneByOne(database, index)
    return [
      toRow(`search, newest first, ${about}: p95`, newest, 20),
      toRow('the same by relevance: p95', relevant, 100),
      toRow('one more prompt in a transaction of its own: p95', added, 2),
    ]
  } finally {
    await database.close()
  }
}

async function seed({ query }: Database, index: SearchIndex): Promise<void> {
  for (let start = 0; start < PROMPTS; start += BATCH) {
    await query.transaction().execute(async (query) => {
      for (let number = start; number < start + BATCH; number += 1) {
        await index.add(query, { id: newId(), owner: ownerOf(number), text: promptOf(number) })
      }
    })
  }
}

const ownerOf = (number: number) => (number % 20 === 0 ? `small${(number / 20) % SMALL_OWNERS}` : MAIN_OWNER)

/** How long every search took, in ms: each keyword for each owner, in rounds, after one that does not count. */
async function measure(
  search: (owner: string | undefined, text: string) => Promise<unknown>,
): Promise<Timed[]> {
  const timed: Timed[] = []
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const text of KEYWORDS) {
      for (const owner of OWNERS) {
        const started = performance.now()
        await search(owner, text)
        if (round > 0) timed.push({ what: `${text} (${owner ?? 'all'})`, time: performance.now() - started })
      }
    }
  }
  return timed
}

async function addOneByOne({ query }: Database, index: SearchIndex): Promise<Timed[]> {
  const timed: Timed[] = []
  for (let number = PROMPTS; number < PROMPTS + NEW_PROMPTS; number += 1) {
    const text = promptOf(number)
    const started = performance.now()
    await query
      .transaction()
      .execute((query) => index.add(query, { id: newId(), owner: ownerOf(number), text }))
    timed.push({ what: `prompt ${number}`, time: performance.now() - started })
  }
  return timed
}

interface Timed {
  what: string
  /** Milliseconds. */
  time: number
}

function toRow(scenario: string, timed: readonly Timed[], target: number): Row {
  const sorted = timed.toSorted((one, other) => one.time - other.time)
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)]?.time ?? Number.NaN
  const slowest = sorted.at(-1)
  const [p50, p95] = [at(0.5), at(0.95)].map((time) => time.toFixed(2))
  return {
    scenario,
    pictor: `p50 ${p50} ms, longest ${slowest?.time.toFixed(1)} ms: \`${slowest?.what}\``,
    comparedWith: '',
    result: `**${p95} ms**`,
    target: `≤ ${target} ms`,
    reached: at(0.95) <= target,
  }
}
