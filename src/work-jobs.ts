import type { Job } from './admin/jobs.ts'
import type { Config } from './config.ts'
import { purgeTasks } from './gateway/purge-tasks.ts'
import { removeImagesOfBlobs, retireImages } from './gateway/retire-images.ts'
import { evict } from './library/objects/evict.ts'
import { uploadDue } from './library/objects/uploader.ts'
import { purgeTrash } from './library/purge.ts'
import type { Parts } from './parts.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const MiB = 1024 * 1024

/** Adds the scheduled jobs that the configuration asks for. `recover` puts right what another process left. */
export function addJobs(config: Config, parts: Parts, recover: () => Promise<void>): void {
  const { jobs, access, keys, settings, gateway } = parts
  jobs.add({
    name: 'discover',
    description: 'asks the upstreams for their models',
    interval: 10 * MINUTE,
    run: async (signal) => {
      const { http, accounts, providers } = gateway
      await Promise.all(
        providers.all.map((provider) => {
          const account = accounts.first(provider)
          return account && provider.discover?.({ account, http, signal })
        }),
      )
      return `${gateway.providers.models().length} models`
    },
  })
  jobs.add({
    name: 'purge',
    description: 'frees what was deleted long enough ago',
    interval: 10 * MINUTE,
    run: async (signal) => {
      const purge = { before: gateway.clock.now() - config.trashDays * DAY, signal }
      await purgeTasks(gateway, purge)
      await purgeTrash(gateway.library, purge)
      return 'the trash is empty of what is older'
    },
  })
  jobs.add({
    name: 'recover',
    description: 'ends old sessions, and takes up what a process left that is gone',
    interval: MINUTE,
    run: async () => {
      await keys.flush()
      await access.sweep()
      await recover()
      return 'nothing is left lying'
    },
  })
  jobs.add({
    name: 'usage',
    description: 'writes down what was used',
    interval: SECOND,
    run: async () => {
      await gateway.usage.flush()
      return 'written'
    },
  })
  jobs.add({
    name: 'translations',
    description: 'forgets translations that were not used for long',
    interval: 10 * MINUTE,
    run: async () => {
      await gateway.translations.trim()
      return 'the cache is within its bounds'
    },
  })
  jobs.add({
    name: 'settings',
    description: 'takes over settings that another process changed',
    interval: 10 * SECOND,
    run: async () => {
      await settings.reload()
      return 'up to date'
    },
  })
  for (const job of storageJobs(config, parts)) jobs.add(job)
}

function storageJobs(config: Config, { gateway, accesses }: Parts): Job[] {
  const { library } = gateway
  const { objects } = library
  const jobs: Job[] = []
  if (objects) {
    jobs.push({
      name: 'upload',
      description: 'brings new pictures to the object storage',
      interval: 5 * SECOND,
      run: async (signal) => {
        const { uploaded, failed } = await uploadDue(objects, signal)
        return `${uploaded} uploaded, ${failed} failed`
      },
    })
  }
  if (accesses) {
    const onlyCopiesGone = (hashes: readonly string[]) => removeImagesOfBlobs(gateway, hashes)
    const limits = {
      lifetime: config.localCacheHours > 0 ? config.localCacheHours * HOUR : undefined,
      bytes: config.localCacheMegabytes > 0 ? config.localCacheMegabytes * MiB : undefined,
      onlyCopiesGone: config.localCacheOnlyCopies === 'evict' ? onlyCopiesGone : undefined,
    }
    jobs.push({
      name: 'cache',
      description: 'frees the local disk of pictures that were not used for long',
      interval: MINUTE,
      run: async (signal) => {
        await accesses.flush()
        const { files, bytes } = await evict(library, limits, signal)
        return `${files} local copies removed, ${(bytes / MiB).toFixed(1)} MiB`
      },
    })
  }
  if (config.retentionDays > 0) {
    jobs.push({
      name: 'retention',
      description: 'puts pictures into the trash that are older than METADATA_RETENTION_DAYS',
      interval: HOUR,
      run: async (signal) => {
        const before = gateway.clock.now() - config.retentionDays * DAY
        return `${await retireImages(gateway, before, signal)} pictures went into the trash`
      },
    })
  }
  return jobs
}
