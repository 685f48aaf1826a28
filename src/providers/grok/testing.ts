import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FakeGrok, startFakeGrok } from '../../../test/upstreams/grok.ts'
import { createOutgoing } from '../../base/http.ts'
import { openSpoolDirectory } from '../../bytes/spool.ts'
import { collect, job, NONE } from '../conformance-bench.ts'
import type { CallContext, ImageEvent, Provider } from '../provider.ts'
import { createGrokProvider, type GrokConfig } from './grok-provider.ts'

export const TOKEN = 'a-token-that-must-not-be-seen-1234'
export const MODEL = 'grok-imagine-1.0'

/** Short, where a test waits for the end of patience; a machine that is busy must not be taken for a silent upstream. */
export const SHORT = { start: 800, final: 800, rest: 800 }

/** What came of a call: the events, and what it threw after them. */
export interface Outcome {
  events: ImageEvent[]
  error: unknown
}

/** A provider before a fake of the socket, for tests. */
export interface TestGrok extends AsyncDisposable {
  fake: FakeGrok
  makeProvider(changes?: Partial<GrokConfig>): Provider
  context(changes?: Partial<CallContext>): CallContext
  /** Has `n` pictures drawn over one socket. */
  draw(n: number, options?: { previews?: number; config?: Partial<GrokConfig> }): Promise<Outcome>
}

export async function openTestGrok(): Promise<TestGrok> {
  const folder = await mkdtemp(join(tmpdir(), 'pictor-grok-'))
  const spools = await openSpoolDirectory(folder)
  const spool = spools.scope()
  const http = createOutgoing({ userAgent: 'Pictor/test' })
  const fake = await startFakeGrok()
  const account = { id: 'grok:1', secret: TOKEN }
  const makeProvider = (changes: Partial<GrokConfig> = {}) =>
    createGrokProvider({ name: 'grok', url: fake.url, accounts: [account], timeout: 10_000, ...changes })
  const context = (changes: Partial<CallContext> = {}): CallContext => ({
    account,
    http,
    spool,
    signal: new AbortController().signal,
    ...changes,
  })
  return {
    fake,
    makeProvider,
    context,
    draw: async (n, { previews = 0, config = {} } = {}) => {
      const provider = makeProvider(config)
      const wanted = job(MODEL, { n, partialImages: previews })
      const [call] = provider.plan({ job: wanted, model: MODEL, inputs: NONE }).calls
      if (call === undefined) throw new Error('the plan has no call')
      return outcomeOf(provider.run(call, context()))
    },
    [Symbol.asyncDispose]: async () => {
      await http.close()
      await fake[Symbol.asyncDispose]()
      await spools.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function outcomeOf(run: AsyncIterable<ImageEvent>): Promise<Outcome> {
  const events: ImageEvent[] = []
  async function* tee() {
    for await (const event of run) {
      events.push(event)
      yield event
    }
  }
  const error = await collect(tee()).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return { events, error }
}
