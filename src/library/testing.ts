import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import type { StoredImage } from '../../contract/image.ts'
import { newId } from '../base/id.ts'
import { createLog } from '../base/log.ts'
import { openSpoolDirectory, type Spool } from '../bytes/spool.ts'
import type { Spooled } from '../bytes/spooled.ts'
import { chunked } from '../bytes/testing.ts'
import type { TestEngine } from '../db/testing.ts'
import { openLocalStorage } from '../storage/local.ts'
import { addImage, type NewImage } from './add.ts'
import { createDerivePool } from './derive/derive-pool.ts'
import { createDeriver } from './derive/deriver.ts'
import type { Library } from './library.ts'
import { createServedMemory } from './served-memory.ts'

/** A library of a test's own. */
export interface TestLibrary extends AsyncDisposable {
  /** Of the database. */
  url: string
  library: Library
  folder: string
  spool: Spool
  /** Moves the clock of the library, in ms. */
  pass(time: number): void
  spooled(bytes: Buffer): Promise<Spooled>
  add(bytes: Buffer, facts?: Partial<NewImage>): Promise<StoredImage>
}

export async function openTestLibrary(engine: TestEngine): Promise<TestLibrary> {
  const opened = await engine.open()
  const { database } = opened
  const folder = await mkdtemp(join(tmpdir(), 'pictor-library-'))
  const originals = await openLocalStorage(join(folder, 'images'))
  const spools = await openSpoolDirectory(join(folder, 'spool'))
  const spool = spools.scope()
  const log = createLog('silent')
  let now = Date.UTC(2026, 10, 24)
  const clock = { now: () => now }
  const directory = join(folder, 'derived')
  const deriver = createDeriver({ database, originals, directory, pool: createDerivePool(), clock, log })
  const library: Library = { database, originals, deriver, served: createServedMemory(), clock, log }
  const spooled = (bytes: Buffer) => spool.receive(chunked(bytes))
  return {
    url: opened.url,
    library,
    folder,
    spool,
    pass: (time) => {
      now += time
    },
    spooled,
    add: async (bytes, facts) =>
      addImage(library, { ...FACTS, taskId: newId(), ...facts, picture: await spooled(bytes) }),
    [Symbol.asyncDispose]: async () => {
      await deriver.close()
      await spools.close()
      await opened[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

const FACTS = {
  position: 0,
  owner: 'someone',
  provider: 'demo',
  model: 'm',
  upstreamModel: 'u',
  prompt: 'a fox',
  sentPrompt: undefined,
  revisedPrompt: undefined,
  seed: undefined,
  signature: undefined,
  details: {},
}

/** A small picture that no other call has drawn. */
export const drawUnique = (): Promise<Buffer> => {
  drawn += 1
  const background = { r: drawn % 256, g: Math.floor(drawn / 256) % 256, b: Math.floor(Math.random() * 256) }
  return sharp({ create: { width: 40, height: 30, channels: 3, background } })
    .png()
    .toBuffer()
}

let drawn = 0
