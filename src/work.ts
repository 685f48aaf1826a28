import type { Config } from './config.ts'
import type { Gateway } from './gateway/gateway.ts'
import { indexOlderTasks } from './gateway/index-tasks.ts'
import { purgeTasks } from './gateway/purge-tasks.ts'
import { GENERATE_QUEUE, recover, runQueued, WEBHOOK_QUEUE } from './gateway/run.ts'
import { deliverWebhook } from './ingress/openai-images/webhook.ts'
import { purgeTrash } from './library/purge.ts'
import type { Parts } from './parts.ts'

const SECOND = 1000
const MINUTE = 60_000
/** Jobs that take turns at the places of the workers; more wait until one has ended. */
const TASKS_AT_WORK = 64

/** A change of settings takes effect in other processes within this time. */
const SETTINGS_EVERY = 10_000
const DISCOVER_EVERY = 10 * MINUTE
const PURGE_EVERY = 10 * MINUTE
const TRIM_EVERY = 10 * MINUTE
const DAY = 24 * 60 * MINUTE

/**
 * Puts right what a crash left; to be called before requests are let in. With SQLite there is one process, so whatever is
 * unfinished is from before; else others may be at work on it, and only what is older than any live request is touched.
 */
export const recoverTasks = (config: Config, { gateway }: Parts): Promise<void> =>
  recover(gateway, gateway.clock.now() - (isAlone(gateway) ? 0 : 3 * config.generationTimeout + MINUTE))

const isAlone = ({ database }: Gateway): boolean => database.engine === 'sqlite'

/** Starts what goes on without a request: unfinished jobs, webhooks, the models of the upstreams, clearing up. */
export async function startWork(config: Config, parts: Parts, baseUrl: string) {
  const { gateway, access, settings, keys } = parts
  const stopping = new AbortController()
  const { queue, log } = gateway

  queue.work(
    GENERATE_QUEUE,
    { concurrency: Math.max(TASKS_AT_WORK, config.workers) },
    ({ payload, attempt, signal }) => runQueued(gateway, taskOf(payload), attempt, signal),
  )
  const { webhookSecret: secret } = config
  if (secret !== undefined) {
    queue.work(WEBHOOK_QUEUE, { concurrency: 4 }, ({ payload, signal }) =>
      deliverWebhook(gateway, { secret, baseUrl }, taskOf(payload), signal),
    )
  }

  const discover = async () => {
    const { http } = gateway
    await Promise.all(
      gateway.providers.all.map((provider) => {
        const account = gateway.accounts.first(provider)
        return account && provider.discover?.({ account, http, signal: stopping.signal })
      }),
    )
  }
  const timers = [
    every(DISCOVER_EVERY, discover),
    every(PURGE_EVERY, async () => {
      const purge = { before: gateway.clock.now() - config.trashDays * DAY, signal: stopping.signal }
      await purgeTasks(gateway, purge)
      await purgeTrash(gateway.library, purge)
    }),
    every(TRIM_EVERY, () => gateway.translations.trim()),
    every(SECOND, () => gateway.usage.flush()),
    every(MINUTE, async () => {
      await keys.flush()
      await access.sweep()
      if (!isAlone(gateway)) await recoverTasks(config, parts)
    }),
  ]
  // Only other processes change them unseen.
  if (!isAlone(gateway)) timers.push(every(SETTINGS_EVERY, settings.reload))
  void indexOlderTasks(gateway, stopping.signal).catch((error: unknown) => {
    if (!stopping.signal.aborted) log.warn({ err: error }, 'older tasks cannot be made searchable')
  })
  function every(interval: number, work: () => Promise<void>): NodeJS.Timeout {
    const run = () =>
      work().catch((error: unknown) => {
        if (!stopping.signal.aborted) log.warn({ err: error }, 'background work failed')
      })
    void run()
    return setInterval(run, interval).unref()
  }

  return {
    stop: async () => {
      stopping.abort()
      for (const timer of timers) clearInterval(timer)
    },
  }
}

function taskOf(payload: unknown): string {
  const task = (payload as { task?: unknown } | null)?.task
  if (typeof task !== 'string') throw new Error('a job of the queue names no task')
  return task
}
