import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FakeOpenAi, startFakeOpenAi } from '../../../test/upstreams/openai.ts'
import { createOutgoing } from '../../base/http.ts'
import { openSpoolDirectory, type Spool } from '../../bytes/spool.ts'
import type { CallContext, Provider } from '../provider.ts'
import { createOpenAiProvider, type OpenAiConfig } from './openai-provider.ts'

export const KEY = 'sk-a-key-that-must-not-be-seen-1234'

/** A provider before a fake upstream, for tests. */
export interface TestUpstream extends AsyncDisposable {
  fake: FakeOpenAi
  spool: Spool
  makeProvider(changes?: Partial<OpenAiConfig>): Provider
  context(changes?: Partial<CallContext>): CallContext
}

export async function openTestUpstream(): Promise<TestUpstream> {
  const folder = await mkdtemp(join(tmpdir(), 'pictor-openai-'))
  const spools = await openSpoolDirectory(folder)
  const spool = spools.scope()
  const http = createOutgoing({ userAgent: 'pictor-test' })
  const fake = await startFakeOpenAi({ apiKey: KEY })
  return {
    fake,
    spool,
    makeProvider: (changes) =>
      createOpenAiProvider({ name: 'fake', baseUrl: fake.url, apiKeys: [KEY], timeout: 10_000, ...changes }),
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
