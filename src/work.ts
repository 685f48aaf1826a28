import type { Config } from './config.ts'
import type { Gateway } from './gateway/gateway.ts'
import { indexOlderTasks } from './gateway/index-tasks.ts'
import { GENERATE_QUEUE, recover, runQueued, WEBHOOK_QUEUE } from './gateway/run.ts'
import { deliverWebhook } from './ingress/openai-images/webhook.ts'
import { recoverUploads } from './library/objects/upload.ts'
import type { Parts } from './parts.ts'
import { watchStorage } from './storage-metrics.ts'
import { addJobs } from './work-jobs.ts'

const MINUTE = 60_000
/** Jobs that take turns at the places of the workers; more wait until one has ended. */
const TASKS_AT_WORK = 64

/**
 * Puts right what a crash left; to be called before requests are let in. With SQLite there is one process, so whatever is
 * unfinished is from before; else others may be at work on it, and only what is older than any live request is touched.
 */
export async function recoverTasks(config: Config, { gateway }: Parts): Promise<void> {
  const alone = isAlone(gateway)
  await recover(gateway, gateway.clock.now() - (alone ? 0 : 3 * config.generationTimeout + MINUTE))
}

/** Starts what goes on without a request: unfinished jobs, webhooks, and everything that comes round. */
export async function startWork(config: Config, parts: Parts, baseUrl: string) {
  const { gateway, jobs } = parts
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

  const { objects } = gateway.library
  if (objects && isAlone(gateway)) await recoverUploads(objects)
  addJobs(config, parts, async () => {
    if (!isAlone(gateway)) await recoverTasks(config, parts)
  })
  if (objects) objects.wake = () => void jobs.run('upload').catch(() => {})
  watchStorage(gateway, jobs)

  void indexOlderTasks(gateway, stopping.signal).catch((error: unknown) => {
    if (!stopping.signal.aborted) log.warn({ err: error }, 'older tasks cannot be made searchable')
  })

  return {
    stop: async () => {
      stopping.abort()
      // What is on its way to the object storage would take its time.
      await Promise.all([jobs.stop(), objects?.remote.close()])
    },
  }
}

const isAlone = ({ database }: Gateway): boolean => database.engine === 'sqlite'

function taskOf(payload: unknown): string {
  const task = (payload as { task?: unknown } | null)?.task
  if (typeof task !== 'string') throw new Error('a job of the queue names no task')
  return task
}
