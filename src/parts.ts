import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createKeys } from './access/keys.ts'
import { createSessions } from './access/session.ts'
import { createJobs } from './admin/jobs.ts'
import { type Clock, systemClock } from './base/clock.ts'
import { createOutgoing } from './base/http.ts'
import type { Logger } from './base/log.ts'
import { createMetrics } from './base/metrics.ts'
import { loadSecretKey } from './base/secret.ts'
import { createVault } from './base/vault.ts'
import { openSpoolDirectory } from './bytes/spool.ts'
import type { Config } from './config.ts'
import { connect } from './db/connect.ts'
import type { Gateway } from './gateway/gateway.ts'
import { readGrokAccounts } from './grok-accounts.ts'
import { createKeeping } from './keeping.ts'
import { createDerivePool } from './library/derive/derive-pool.ts'
import { createDeriver } from './library/derive/deriver.ts'
import { createRoom } from './library/room.ts'
import { createServedMemory } from './library/served-memory.ts'
import { createAccounts } from './providers/accounts.ts'
import { createDemoProvider } from './providers/demo/demo-provider.ts'
import { createGeminiProvider } from './providers/gemini/gemini-provider.ts'
import { createGrokProvider } from './providers/grok/grok-provider.ts'
import { createProviderList } from './providers/list.ts'
import { createOpenAiProvider } from './providers/openai/openai-provider.ts'
import type { Account, Provider } from './providers/provider.ts'
import { createSearchIndex } from './search/search-index.ts'
import { openLocalStorage } from './storage/local.ts'
import { createCancellations } from './tasks/cancellations.ts'
import { createProgress } from './tasks/progress.ts'
import { createDatabaseQueue } from './tasks/queue/database-queue.ts'
import { createTurns } from './tasks/turns.ts'

/** Everything that is made once per process. */
export type Parts = Awaited<ReturnType<typeof createParts>>

/** What a test may put in place of the real world. */
export interface World {
  clock?: Clock
  /** Addresses that guarded requests may reach, in place of the public ones. */
  isAllowedAddress?: (address: string) => boolean
}

/** Makes the parts in the order in which they need each other; `close` ends them in the opposite order. */
export async function createParts(config: Config, log: Logger, version: string, world: World = {}) {
  const clock = world.clock ?? systemClock
  const directory = (name: string) => join(config.dataDirectory, name)
  await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 })
  const database = await connect(config.databaseUrl)
  await database.migrate()
  const local = await openLocalStorage(directory('images'))
  const spools = await openSpoolDirectory(directory('spool'))
  const { originals, objects, accesses } = createKeeping(config, { database, local, spools, clock, log })
  const grokAccounts = await readGrokAccounts(config.ssoFile)
  const http = createOutgoing({
    proxyUrl: config.proxyUrl,
    userAgent: `Pictor/${version}`,
    isAllowed: world.isAllowedAddress,
  })
  const deriver = createDeriver({
    database,
    originals,
    directory: directory('derived'),
    pool: createDerivePool(),
    clock,
    log,
  })
  const queue = createDatabaseQueue(database, { clock, log })
  const gateway: Gateway = {
    database,
    library: { database, originals, objects, deriver, served: createServedMemory(), clock, log },
    providers: createProviderList(configuredProviders(config, grokAccounts)),
    accounts: createAccounts({ clock, concurrency: config.accountConcurrency }),
    progress: createProgress(),
    cancellations: createCancellations(),
    turns: createTurns(config.workers),
    room: createRoom(local, clock),
    queue,
    search: createSearchIndex(database),
    spools,
    http,
    vault: createVault(await loadSecretKey(config)),
    clock,
    log,
    metrics: createMetrics(),
    settings: {
      alias: config.gatewayModel,
      generationTimeout: config.generationTimeout,
      workers: config.workers,
      queueLimit: config.queueLimit,
      allowPrivateUpstreams: config.allowPrivateUpstreams,
      defaultAspectRatio: config.defaultAspectRatio,
    },
  }
  return {
    gateway,
    keys: createKeys(database, clock, config.apiKey),
    sessions: createSessions(database, clock),
    jobs: createJobs({ clock, log }),
    accesses,
    close: async () => {
      await queue.close()
      await deriver.close()
      await objects?.remote.close()
      await accesses?.flush()
      await http.close()
      await spools.close()
      await database.close()
    },
  }
}

/** The providers that the environment names, preferred first. The demo painter is always there and comes last. */
function configuredProviders(
  { openai, relay, gemini, grokUrl: url, generationTimeout: timeout }: Config,
  grokAccounts: readonly Account[],
): Provider[] {
  const providers: Provider[] = []
  if (openai) providers.push(createOpenAiProvider({ name: 'openai', timeout, ...openai }))
  if (relay) {
    const { imageModel, chatModel, ...upstream } = relay
    const models = { fixedModels: [imageModel], chatModels: [chatModel] }
    providers.push(createOpenAiProvider({ name: 'relay', timeout, ...models, ...upstream }))
  }
  if (gemini) providers.push(createGeminiProvider({ name: 'gemini', timeout, ...gemini }))
  if (grokAccounts.length > 0)
    providers.push(createGrokProvider({ name: 'grok', url, timeout, accounts: grokAccounts }))
  return [...providers, createDemoProvider()]
}
