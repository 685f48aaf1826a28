import type { Clock } from '../../base/clock.ts'
import { newId } from '../../base/id.ts'
import type { Logger } from '../../base/log.ts'
import type { Database } from '../../db/connect.ts'
import { insertIgnore } from '../../db/upsert.ts'
import { countJobs, removeJob } from './job-table.ts'
import type { AddOptions, Queue } from './queue.ts'
import { type Timing, Worker } from './worker.ts'

export interface DatabaseQueueOptions {
  clock: Clock
  log: Logger
  /** For tests; the defaults suit everything else. */
  timing?: Partial<Timing>
}

const TIMING: Timing = { poll: 1500, lease: 30_000, retry: 1000 }
const ATTEMPTS = 5
const GRACE = 5000

/** A queue whose jobs are rows and whose workers run in this process. Any number of processes may share the rows. */
export function createDatabaseQueue(database: Database, options: DatabaseQueueOptions): Queue {
  const { query } = database
  const { clock, log } = options
  const timing = { ...TIMING, ...options.timing }
  const workers = new Map<string, Worker>()

  async function add(queue: string, payload: unknown, options: AddOptions = {}): Promise<string> {
    const { id = newId(), delay = 0, attempts = ATTEMPTS } = options
    const now = clock.now()
    await insertIgnore(database, query, 'job', {
      id,
      queue,
      payload: JSON.stringify(payload ?? null),
      state: 'waiting',
      attempts: 0,
      max_attempts: attempts,
      run_at: now + delay,
      lease_until: null,
      worker: null,
      error: null,
      created_at: now,
    })
    if (delay <= 0) workers.get(queue)?.wake()
    return id
  }

  return {
    add,
    work: (queue, { concurrency }, handler) => {
      if (workers.has(queue)) throw new Error(`the queue ${queue} has a worker already`)
      workers.set(queue, new Worker({ query, clock, log, timing, queue, concurrency, handler }))
    },
    remove: (id) => removeJob(query, id),
    depth: () => countJobs(query),
    close: async ({ grace = GRACE } = {}) => {
      await Promise.all([...workers.values()].map((worker) => worker.close(grace)))
    },
  }
}
