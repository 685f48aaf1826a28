import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { Job, JobHandler, Queue } from './queue.ts'

/** A place where jobs are kept, empty at first. */
export interface QueueStore extends AsyncDisposable {
  /** One process's queue on it; looks for jobs of others and retries within a fraction of a second. */
  connect(): Queue
}

/** What every queue does. */
export function describeQueue(name: string, open: () => Promise<QueueStore>): void {
  describe(`${name} queue`, async () => {
    const store = await open()
    const queues: Queue[] = []
    const connect = () => {
      const queue = store.connect()
      queues.push(queue)
      return queue
    }
    afterEach(async () => {
      await Promise.all(queues.splice(0).map((queue) => queue.close({ grace: 0 })))
    })
    afterAll(() => store[Symbol.asyncDispose]())

    const eventually = <Value>(value: () => Value | Promise<Value>) =>
      expect.poll(value, { timeout: 20_000, interval: 10 })

    test('hands a job over with its payload, and forgets it when it is done', async () => {
      const queue = connect()
      const { jobs, handler } = recorder()
      queue.work('payload', { concurrency: 1 }, handler)
      const payload = { text: '一只狐狸 🦊', list: [1, null], nested: { yes: true } }
      const id = await queue.add('payload', payload)
      await eventually(() => jobs.map(facts)).toEqual([{ id, payload, attempt: 1 }])
      await eventually(() => queue.depth()).toEqual({})
    })

    test('runs the oldest first, and no more than it may at the same time', async () => {
      const queue = connect()
      const ids = Array.from({ length: 20 }, (_, index) => `order${String(index).padStart(2, '0')}`)
      for (const id of ids) await queue.add('order', null, { id })
      const order: string[] = []
      const full = Promise.withResolvers<void>()
      let running = 0
      let most = 0
      queue.work('order', { concurrency: 3 }, async ({ id }) => {
        order.push(id)
        running += 1
        most = Math.max(most, running)
        if (running === 3) full.resolve()
        await full.promise
        running -= 1
      })
      await eventually(() => queue.depth()).toEqual({})
      expect(order).toEqual(ids)
      expect(most).toBe(3)
    })

    test('jobs that wait from before are found, also those of another process', async () => {
      const [producer, worker] = [connect(), connect()]
      await producer.add('found', 'before')
      const { jobs, handler } = recorder()
      worker.work('found', { concurrency: 1 }, handler)
      await eventually(() => jobs.length).toBe(1)
      await producer.add('found', 'after')
      await eventually(() => jobs.map(({ payload }) => payload)).toEqual(['before', 'after'])
    })

    test('two processes never run a job twice', async () => {
      const [one, two] = [connect(), connect()]
      const runs = new Map<string, number>()
      const handler: JobHandler = async ({ id }) => {
        runs.set(id, (runs.get(id) ?? 0) + 1)
        await new Promise((resolve) => setImmediate(resolve))
      }
      one.work('once', { concurrency: 5 }, handler)
      two.work('once', { concurrency: 5 }, handler)
      const adders = Array.from({ length: 150 }, (_, index) => (index % 2 ? one : two).add('once', index))
      const ids = await Promise.all(adders)
      await eventually(() => one.depth()).toEqual({})
      expect(runs).toEqual(new Map([...runs.keys()].map((id) => [id, 1])))
      expect(new Set(runs.keys())).toEqual(new Set(ids))
    })

    test('a job that runs is left alone by a second process', async () => {
      const [one, two] = [connect(), connect()]
      const gate = Promise.withResolvers<void>()
      const runs: string[] = []
      one.work('alone', { concurrency: 1 }, ({ id }) => {
        runs.push(id)
        return gate.promise
      })
      await one.add('alone', null, { id: 'long' })
      await eventually(() => runs).toEqual(['long'])
      two.work('alone', { concurrency: 2 }, async ({ id }) => void runs.push(id))
      await two.add('alone', null, { id: 'short' })
      await eventually(() => one.depth()).toEqual({ alone: { waiting: 0, running: 1, failed: 0 } })
      gate.resolve()
      await eventually(() => one.depth()).toEqual({})
      expect(runs).toEqual(['long', 'short'])
    })

    test('a delayed job waits', async () => {
      const queue = connect()
      const ran = Promise.withResolvers<number>()
      queue.work('delay', { concurrency: 1 }, async () => ran.resolve(Date.now()))
      const added = Date.now()
      await queue.add('delay', null, { delay: 300 })
      expect(await queue.depth()).toEqual({ delay: { waiting: 1, running: 0, failed: 0 } })
      expect((await ran.promise) - added).toBeGreaterThanOrEqual(300)
    })

    test('a job that fails is tried again', async () => {
      const queue = connect()
      const { jobs, handler } = recorder(3)
      queue.work('retry', { concurrency: 1 }, handler)
      const id = await queue.add('retry', 'again')
      await eventually(() => queue.depth()).toEqual({})
      expect(jobs.map(facts)).toEqual([1, 2, 3].map((attempt) => ({ id, payload: 'again', attempt })))
    })

    test('a job that fails every time stays as failed until it is removed', async () => {
      const queue = connect()
      const { jobs, handler } = recorder(Number.POSITIVE_INFINITY)
      queue.work('fail', { concurrency: 1 }, handler)
      const id = await queue.add('fail', null, { attempts: 2 })
      await eventually(() => queue.depth()).toEqual({ fail: { waiting: 0, running: 0, failed: 1 } })
      expect(jobs.length).toBe(2)
      expect(await queue.remove(id)).toBe(true)
      expect(await queue.depth()).toEqual({})
    })

    test('the same id again makes no second job', async () => {
      const queue = connect()
      const added = await Promise.all([1, 2, 3].map((payload) => queue.add('same', payload, { id: 'same' })))
      expect(added).toEqual(['same', 'same', 'same'])
      expect(await queue.depth()).toEqual({ same: { waiting: 1, running: 0, failed: 0 } })
      const { jobs, handler } = recorder()
      queue.work('same', { concurrency: 3 }, handler)
      await eventually(() => queue.depth()).toEqual({})
      expect(jobs.length).toBe(1)
      await queue.add('same', 4, { id: 'same' })
      await eventually(() => jobs.length).toBe(2)
    })

    test('removes what waits, not what runs', async () => {
      const queue = connect()
      const gate = Promise.withResolvers<void>()
      const runs: string[] = []
      queue.work('remove', { concurrency: 1 }, ({ id }) => {
        runs.push(id)
        return gate.promise
      })
      await queue.add('remove', null, { id: 'runs' })
      await eventually(() => runs).toEqual(['runs'])
      await queue.add('remove', null, { id: 'waits' })
      expect(await queue.remove('waits')).toBe(true)
      expect(await queue.remove('waits')).toBe(false)
      expect(await queue.remove('runs')).toBe(false)
      gate.resolve()
      await eventually(() => queue.depth()).toEqual({})
      expect(runs).toEqual(['runs'])
    })

    test('counts jobs by queue', async () => {
      const queue = connect()
      await Promise.all([queue.add('depth1', 1), queue.add('depth1', 2), queue.add('depth2', 3)])
      const depth = { waiting: 1, running: 0, failed: 0 }
      expect(await queue.depth()).toEqual({ depth1: { ...depth, waiting: 2 }, depth2: depth })
      const { handler } = recorder()
      queue.work('depth1', { concurrency: 1 }, handler)
      queue.work('depth2', { concurrency: 1 }, handler)
      await eventually(() => queue.depth()).toEqual({})
    })

    test('close lets a job end that can', async () => {
      const queue = connect()
      const started = Promise.withResolvers<void>()
      let ended = false
      queue.work('end', { concurrency: 1 }, async ({ signal }) => {
        started.resolve()
        await new Promise((resolve) => setTimeout(resolve, 50))
        signal.throwIfAborted()
        ended = true
      })
      await queue.add('end', null)
      await started.promise
      await queue.close({ grace: 20_000 })
      expect(ended).toBe(true)
      expect(await connect().depth()).toEqual({})
    })

    test.each(['that listens', 'that does not listen'])('close hands back a job %s', async (kind) => {
      const queue = connect()
      const started = Promise.withResolvers<AbortSignal>()
      const never = new Promise<void>(() => {})
      queue.work('back', { concurrency: 1 }, ({ signal }) => {
        started.resolve(signal)
        return kind === 'that listens' ? untilAborted(signal) : never
      })
      const id = await queue.add('back', 'kept', { attempts: 1 })
      const signal = await started.promise
      await queue.add('back', 'second', { id: 'second' })
      await queue.close({ grace: 0 })
      expect(signal.aborted).toBe(true)
      const next = connect()
      expect(await next.depth()).toEqual({ back: { waiting: 2, running: 0, failed: 0 } })
      const { jobs, handler } = recorder()
      next.work('back', { concurrency: 2 }, handler)
      await eventually(() => next.depth()).toEqual({})
      expect(jobs.map(facts)).toContainEqual({ id, payload: 'kept', attempt: 2 })
    })
  })
}

/** A handler that notes its jobs and fails until the given attempt. */
function recorder(succeedsAt = 1) {
  const jobs: Job[] = []
  const handler: JobHandler = async (job) => {
    jobs.push(job)
    if (job.attempt < succeedsAt) throw new Error('not yet')
  }
  return { jobs, handler }
}

const facts = ({ id, payload, attempt }: Job) => ({ id, payload, attempt })

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
