import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../src/base/clock.ts'
import { newId } from '../../src/base/id.ts'
import { createLog } from '../../src/base/log.ts'
import { openSpoolDirectory } from '../../src/bytes/spool.ts'
import { connect } from '../../src/db/connect.ts'
import { addImage } from '../../src/library/add.ts'
import type { Deriver } from '../../src/library/derive/deriver.ts'
import type { Library } from '../../src/library/library.ts'
import { createServedMemory } from '../../src/library/served-memory.ts'
import { openLocalStorage } from '../../src/storage/local.ts'
import { API_KEY, startPictor, startUpstream } from '../contenders.ts'
import { load, median } from '../measure.ts'
import { paintPicture } from '../picture.ts'
import { memory, output, type Running, temporaryFolder } from '../processes.ts'
import { type Row, verdict } from '../report.ts'

const BYTES = 1_500_000
const COUNT = 1000
const MOST_GROWTH = 50

/** A thousand pictures as one archive over HTTP, and by Info-ZIP from and to the disk. */
export async function exports(rounds: number): Promise<Row[]> {
  await using upstream = await startUpstream(BYTES)
  await using folder = await temporaryFolder()
  const imageIds = await fill(folder.path)
  await using server = await startPictor(upstream.url, folder.path)
  const before = await memory(server.pid, 'VmRSS')
  const [ours, theirs]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round += 1) {
    ours.push(await exported(server, imageIds))
    if (ZIP !== undefined) theirs.push(await zipped(ZIP, folder.path))
  }
  const growth = Math.max(0, (await memory(server.pid, 'VmHWM')) - before)
  return [
    speed(ours, theirs),
    {
      scenario: '… and how much RSS grows by it',
      pictor: `${before.toFixed(0)} MB before`,
      comparedWith: '',
      result: `**${growth.toFixed(0)} MB**`,
      target: `≤ ${MOST_GROWTH} MB`,
      reached: growth <= MOST_GROWTH,
    },
  ]
}

const ZIP = ['/usr/bin/zip', '/usr/local/bin/zip', '/opt/homebrew/bin/zip'].find((path) => existsSync(path))

/** MB per second. */
async function exported(server: Running, imageIds: readonly string[]): Promise<number> {
  const { longest, bytes } = await load({
    url: `${server.url}/api/v1/images/export`,
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify({ imageIds }),
    connections: 1,
    count: 1,
  })
  if (bytes < imageIds.length * (BYTES - 2)) throw new Error(`the archive has only ${bytes} bytes`)
  return bytes / 1000 / longest
}

/** MB per second, on the core of the server. */
async function zipped(zip: string, folder: string): Promise<number> {
  const archive = join(folder, 'images.zip')
  const began = performance.now()
  await output('server', [zip, '-0', '-q', '-r', archive, join(folder, 'images')])
  const taken = performance.now() - began
  await rm(archive)
  return (COUNT * BYTES) / 1000 / taken
}

function speed(ours: readonly number[], theirs: readonly number[]): Row {
  const row = { scenario: `export of ${COUNT} × 1.5 MB as ZIP`, pictor: `${median(ours).toFixed(0)} MB/s` }
  if (theirs.length === 0) return { ...row, comparedWith: 'zip is not installed', result: '', target: '' }
  const ratios = ours.map((rate, index) => rate / (theirs[index] ?? Number.NaN))
  return {
    ...row,
    comparedWith: `\`zip -0\` ${median(theirs).toFixed(0)} MB/s`,
    ...verdict(ratios, '≥', 0.5),
  }
}

/** Puts pictures into the folder of a server that is not started yet; their ids. */
async function fill(folder: string): Promise<string[]> {
  const { database, library, spools } = await openLibrary(folder)
  const spool = spools.scope()
  const { head, tail } = paintPicture(BYTES)
  const ids: string[] = []
  for (let position = 0; position < COUNT; position += 1) {
    const picture = await spool.receive(parts(head, tail(position)))
    const { id } = await addImage(library, { ...FACTS, taskId: newId(), position, picture })
    ids.push(id)
  }
  // Thumbnails would be made while the export is measured.
  await database.query.updateTable('blob').set({ derived_at: 1 }).execute()
  await spools.close()
  await database.close()
  return ids
}

const FACTS = {
  owner: 'environment',
  provider: 'openai',
  model: 'gpt-image-1',
  upstreamModel: 'gpt-image-1',
  prompt: 'a red fox in the snow, early morning, long shadows',
  sentPrompt: undefined,
  revisedPrompt: undefined,
  seed: undefined,
  signature: undefined,
  details: {},
}

async function* parts(...buffers: Buffer[]): AsyncGenerator<Buffer> {
  yield* buffers
}

async function openLibrary(folder: string) {
  const database = await connect(`sqlite:${join(folder, 'pictor.sqlite')}`)
  await database.migrate()
  const originals = await openLocalStorage(join(folder, 'images'))
  const spools = await openSpoolDirectory(join(folder, 'spool'))
  const log = createLog('silent')
  const library: Library = {
    database,
    originals,
    deriver: IDLE,
    served: createServedMemory(),
    clock: systemClock,
    log,
  }
  return { database, library, spools }
}

const IDLE: Deriver = {
  wake: () => {},
  thumbnail: async () => undefined,
  converted: async () => {
    throw new Error('nothing is converted here')
  },
  remove: async () => {},
  close: async () => {},
}
