import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createAdminAccess } from './access/admin-access.ts'
import { createKeys } from './access/keys.ts'
import { createPrices, parsePrices } from './access/prices.ts'
import { createUsage } from './access/usage.ts'
import { createJobs } from './admin/jobs.ts'
import { openSettings } from './admin/settings.ts'
import { type Clock, systemClock } from './base/clock.ts'
import { createOutgoing } from './base/http.ts'
import type { Logger } from './base/log.ts'
import { createMetrics } from './base/metrics.ts'
import { loadSecretKey } from './base/secret.ts'
import { createVault } from './base/vault.ts'
import { openSpoolDirectory } from './bytes/spool.ts'
import { type Config, ConfigError } from './config.ts'
import { connect } from './db/connect.ts'
import type { Gateway } from './gateway/gateway.ts'
import { createTranslations } from './gateway/translation/translations.ts'
import { createKeeping } from './keeping.ts'
import { createDerivePool } from './library/derive/derive-pool.ts'
import { createDeriver } from './library/derive/deriver.ts'
import { createRoom } from './library/room.ts'
import { createServedMemory } from './library/served-memory.ts'
import { openAccounts } from './providers/accounts/accounts.ts'
import type { AccountPolicy } from './providers/accounts/policy.ts'
import { createDemoProvider } from './providers/demo/demo-provider.ts'
import { createGeminiProvider } from './providers/gemini/gemini-provider.ts'
import { createGrokProvider } from './providers/grok/grok-provider.ts'
import { createProviderList } from './providers/list.ts'
import { createOpenAiProvider } from './providers/openai/openai-provider.ts'
import type { Provider } from './providers/provider.ts'
import { createResizer } from './providers/upscale/resizer.ts'
import { createSearchIndex } from './search/search-index.ts'
import { openLocalStorage } from './storage/local.ts'
import { createCancellations } from './tasks/cancellations.ts'
import { createProgress } from './tasks/progress.ts'
import { createDatabaseQueue } from './tasks/queue/database-queue.ts'
import { createTurns } from './tasks/turns.ts'
import { arrangeUpstreams, checkUpstreams, RELAY, upstreamSettings } from './upstream-mode.ts'

/** Everything that is made once per process. */
export type Parts = Awaited<ReturnType<typeof createParts>>

/** What a test may put in place of the real world. */
export interface World {
  clock?: Clock
  /** Addresses that guarded requests may reach, in place of the public ones. */
  isAllowedAddress?: (address: string) => boolean
}

/** How long a request waits for the translation of its prompt, in ms. */
const TRANSLATION_TIMEOUT = 10_000

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
  const http = createOutgoing({
    proxyUrl: config.proxyUrl,
    userAgent: `Pictor/${version}`,
    isAllowed: world.isAllowedAddress,
  })
  const pool = createDerivePool()
  const deriver = createDeriver({
    database,
    originals,
    directory: directory('derived'),
    pool,
    clock,
    log,
  })
  const queue = createDatabaseQueue(database, { clock, log })
  const vault = createVault(await loadSecretKey(config))
  const configured = configuredProviders(config)
  const accounts = await openAccounts({
    ...{ database, vault, clock, log, providers: configured },
    timeZone: config.timeZone,
    concurrency: config.accountConcurrency,
    policyOf: (provider) => (provider === SSO_PROVIDER ? ssoPolicy(config) : policy(config)),
    file: { provider: SSO_PROVIDER, path: config.ssoFile },
  })
  const providers = createProviderList(configured, (provider) => accounts.has(provider))
  const settings = await openSettings({
    database,
    log,
    environment: upstreamSettings(config),
    apply: (settings) => arrangeUpstreams(providers, settings),
    check: (change) => checkUpstreams(providers, change),
  })
  const gateway: Gateway = {
    database,
    library: { database, originals, objects, deriver, served: createServedMemory(), clock, log },
    providers,
    accounts,
    progress: createProgress(),
    cancellations: createCancellations(),
    turns: createTurns(config.workers),
    room: createRoom(local, clock),
    queue,
    search: createSearchIndex(database),
    translations: createTranslations(database, clock),
    resizer: createResizer(pool.enlarge),
    spools,
    http,
    vault,
    clock,
    log,
    metrics: createMetrics(),
    usage: createUsage(database),
    prices: createPrices(await ownPrices(config)),
    settings: {
      alias: config.gatewayModel,
      generationTimeout: config.generationTimeout,
      workers: config.workers,
      queueLimit: config.queueLimit,
      allowPrivateUpstreams: config.allowPrivateUpstreams,
      timeZone: config.timeZone,
      defaultAspectRatio: config.defaultAspectRatio,
      translation: {
        enabled: config.promptTranslation,
        enhance: config.promptEnhancement,
        model: config.promptModel,
        timeout: TRANSLATION_TIMEOUT,
      },
    },
  }
  const keys = createKeys(database, clock, config.apiKey)
  return {
    gateway,
    keys,
    settings,
    access: await createAdminAccess(database, clock, { account: config.admin, key: config.adminKey }),
    jobs: createJobs({ clock, log }),
    accesses,
    close: async () => {
      await queue.close()
      await deriver.close()
      await objects?.remote.close()
      await accesses?.flush()
      await gateway.usage.flush()
      await keys.flush()
      await http.close()
      await spools.close()
      await accounts.close()
      await database.close()
    },
  }
}

/** Whose session tokens lie in `SSO_FILE`. */
const SSO_PROVIDER = 'grok'

const ssoPolicy = (config: Config): AccountPolicy => ({
  strategy: config.ssoRotationStrategy,
  dailyLimit: config.ssoDailyLimit,
})

const policy = (config: Config): AccountPolicy => ({
  strategy: config.accountStrategy,
  dailyLimit: config.accountDailyLimit,
})
/** The prices of the operator's own file. @throws ConfigError */
async function ownPrices({ pricesFile }: Config) {
  if (pricesFile === undefined) return []
  try {
    return parsePrices(await readFile(pricesFile, 'utf8'))
  } catch (error) {
    throw new ConfigError([`PRICES_FILE: ${pricesFile} cannot be used: ${(error as Error).message}`])
  }
}

/** The providers that the environment names, preferred first. The demo painter is always there and comes last. */
function configuredProviders({
  openai,
  relay,
  gemini,
  grokUrl,
  generationTimeout: timeout,
}: Config): Provider[] {
  const providers: Provider[] = []
  if (openai) providers.push(createOpenAiProvider({ name: 'openai', timeout, ...openai }))
  if (relay) {
    const { imageModel, chatModel, ...upstream } = relay
    const models = { fixedModels: [imageModel], chatModels: [chatModel] }
    providers.push(createOpenAiProvider({ name: RELAY, timeout, ...models, ...upstream }))
  }
  if (gemini) providers.push(createGeminiProvider({ name: 'gemini', timeout, ...gemini }))
  providers.push(createGrokProvider({ name: SSO_PROVIDER, url: grokUrl, timeout }))
  return [...providers, createDemoProvider()]
}
