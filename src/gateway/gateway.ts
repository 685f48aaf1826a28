import type { AspectRatio } from '../../contract/job.ts'
import type { Prices } from '../access/prices.ts'
import type { Usage } from '../access/usage.ts'
import type { Clock } from '../base/clock.ts'
import type { Outgoing } from '../base/http.ts'
import type { Logger } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import type { Vault } from '../base/vault.ts'
import type { SpoolDirectory } from '../bytes/spool.ts'
import type { Database } from '../db/connect.ts'
import type { Library } from '../library/library.ts'
import type { Room } from '../library/room.ts'
import type { Accounts } from '../providers/accounts/accounts.ts'
import type { ProviderList } from '../providers/list.ts'
import type { Provider } from '../providers/provider.ts'
import type { SearchIndex } from '../search/search-index.ts'
import type { Cancellations } from '../tasks/cancellations.ts'
import type { Progress } from '../tasks/progress.ts'
import type { Queue } from '../tasks/queue/queue.ts'
import type { Turns } from '../tasks/turns.ts'
import type { Translations } from './translation/translations.ts'

/** The parts that a request meets on its way, made once in app.ts. */
export interface Gateway {
  database: Database
  library: Library
  providers: ProviderList
  accounts: Accounts
  progress: Progress
  cancellations: Cancellations
  /** Places at work for jobs of the queue. */
  turns: Turns
  queue: Queue
  /** Room on the disk for new pictures. */
  room: Room
  spools: SpoolDirectory
  http: Outgoing
  vault: Vault
  search: SearchIndex
  translations: Translations
  /** Makes pictures larger without a model, see `providers/upscale/`. */
  resizer: Provider
  clock: Clock
  log: Logger
  metrics: Metrics
  usage: Usage
  prices: Prices
  settings: GatewaySettings
}

export interface GatewaySettings {
  /** The name under which the gateway's own choice of model is offered. */
  alias: string
  /** Longest time for one upstream call, in ms. */
  generationTimeout: number
  /** Calls for async jobs at the same time. */
  workers: number
  /** Most pictures of async jobs that may wait. */
  queueLimit: number
  /** Whether a caller's own upstream may be at a private address. */
  allowPrivateUpstreams: boolean
  /** IANA name: where the days and months of limits and usage begin. */
  timeZone: string
  /** Ratio for jobs that name neither size nor ratio. */
  defaultAspectRatio: AspectRatio | undefined
  translation: TranslationSettings
}

export interface TranslationSettings {
  /** Whether prompts that are not English are translated on their way. */
  enabled: boolean
  /** Whether they are also made more vivid. */
  enhance: boolean
  /** The chat model that does it. */
  model: string
  /** Longest time for it, in ms. */
  timeout: number
}
