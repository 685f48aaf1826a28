import { join } from 'node:path'
import { newId } from '../../src/base/id.ts'
import { connect, type Database } from '../../src/db/connect.ts'
import { API_KEY, startPictor } from '../contenders.ts'
import { output, script, temporaryFolder } from '../processes.ts'
import type { Row } from '../report.ts'

const TASKS = 100_000
const LONGEST = 10

/** Pages of the history of one owner with 100,000 tasks, as a client gets them. */
export async function history(): Promise<Row[]> {
  await using folder = await temporaryFolder()
  await seed(join(folder.path, 'pictor.sqlite'))
  await using server = await startPictor('http://127.0.0.1:1', folder.path, [], { TRUST_PROXY: 'loopback' })
  const results = JSON.parse(await output('load', script('history-pages.ts', server.url, API_KEY))) as Record<
    string,
    number
  >
  return Object.entries(results).map(([scenario, p95]) => ({
    scenario: `history, ${TASKS} tasks: ${scenario}`,
    pictor: `p95 ${p95.toFixed(1)} ms`,
    comparedWith: '',
    result: `**${p95.toFixed(1)} ms**`,
    target: `≤ ${LONGEST} ms`,
    reached: p95 <= LONGEST,
  }))
}

/** As if the key of the environment had asked for them, one picture each. */
async function seed(path: string): Promise<void> {
  const database = await connect(`sqlite:${path}`)
  await database.migrate()
  for (let done = 0; done < TASKS; done += 1000) await insert(database, done, 1000)
  await database.query
    .insertInto('counter')
    .values({ owner: 'environment', name: 'tasks', value: TASKS })
    .execute()
  await database.close()
}

async function insert({ query }: Database, first: number, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, index) => toRows(first + index))
  await query.transaction().execute(async (query) => {
    for (const { task, image } of rows) {
      await query.insertInto('task').values(task).execute()
      await query.insertInto('image').values(image).execute()
    }
  })
}

function toRows(number: number) {
  const id = newId()
  const prompt = `picture ${number} of a lighthouse in the fog, watercolour, soft light, wide angle`
  const job = { kind: 'generate', dialect: 'batch', model: 'gpt-image-1', prompt, n: 1, oneByOne: true }
  const task = {
    id,
    mode: 'async' as const,
    owner: 'environment',
    status: 'completed' as const,
    job: JSON.stringify(job),
    total: 1,
    completed: 1,
    failed: 0,
    error: null,
    warnings: '[]',
    usage_json: null,
    idempotency_key: null,
    request_hash: '',
    webhook_url: null,
    created_at: number,
    started_at: number,
    finished_at: number,
    deleted_at: null,
    credential: null,
  }
  const image = {
    id: newId(),
    task_id: id,
    position: 0,
    owner: 'environment',
    sha256: number.toString(16).padStart(64, '0'),
    provider: 'openai',
    model: 'gpt-image-1',
    upstream_model: 'gpt-image-1',
    prompt,
    revised_prompt: null,
    seed: null,
    width: 1024,
    height: 1024,
    bytes: 1_500_000,
    mime: 'image/png',
    signature: null,
    details: '{}',
    parent_id: null,
    parent_kind: null,
    created_at: number,
    deleted_at: null,
  }
  return { task, image }
}
