import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FakeGemini, startFakeGemini } from '../../../test/upstreams/gemini.ts'
import { createOutgoing } from '../../base/http.ts'
import { openSpoolDirectory, type Spool } from '../../bytes/spool.ts'
import type { CallContext, Provider } from '../provider.ts'
import { createGeminiProvider, type GeminiConfig } from './gemini-provider.ts'

export const KEY = 'AIza-a-key-that-must-not-be-seen-1234'

/** A provider before a fake upstream, for tests. */
export interface TestUpstream extends AsyncDisposable {
  fake: FakeGemini
  spool: Spool
  makeProvider(changes?: Partial<GeminiConfig>): Provider
  context(changes?: Partial<CallContext>): CallContext
}

export async function openTestUpstream(): Promise<TestUpstream> {
  const folder = await mkdtemp(join(tmpdir(), 'pictor-gemini-'))
  const spools = await openSpoolDirectory(folder)
  const spool = spools.scope()
  const http = createOutgoing({ userAgent: 'pictor-test' })
  const fake = await startFakeGemini({ apiKey: KEY })
  return {
    fake,
    spool,
    makeProvider: (changes) =>
      createGeminiProvider({ name: 'fake', baseUrl: fake.url, apiKeys: [KEY], timeout: 10_000, ...changes }),
    context: (changes) => ({
      account: { id: 'fake:1', secret: KEY },
      http,
      spool,
      signal: new AbortController().signal,
      ...changes,
    }),
    async [Symbol.asyncDispose]() {
      await spools.close()
      await http.close()
      await fake.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
