import { expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { createLog } from '../base/log.ts'
import { createJobs, type Job } from './jobs.ts'

const HOUR = 60 * 60_000

const started = () => createJobs({ clock: systemClock, log: createLog('silent') })
const job = (name: string, run: Job['run']): Job => ({ name, description: 'a test', interval: HOUR, run })

test('a job runs at once, says how it went and when it comes next', async () => {
  const jobs = started()
  const before = Date.now()
  jobs.add(job('count', async () => 'three counted'))
  await jobs.run('count')
  const [status] = jobs.status()
  expect(status).toMatchObject({
    name: 'count',
    interval: 3600,
    running: false,
    last_result: 'three counted',
    last_error: null,
    failures: 0,
  })
  expect(status?.next_run_at).toBeGreaterThanOrEqual(before + HOUR)
  expect(status?.last_ended_at).toBeGreaterThanOrEqual(before)
  await jobs.stop()
})

test('a failure is kept until a run ends well, with what the last good run did', async () => {
  const jobs = started()
  const results = [() => 'fine', () => Promise.reject(new Error('no disk')), () => 'fine again']
  jobs.add(job('shaky', async () => (await results.shift()?.()) ?? ''))
  expect(await jobs.run('shaky')).toMatchObject({ last_error: 'no disk', last_result: 'fine', failures: 1 })
  expect(await jobs.run('shaky')).toMatchObject({ last_error: null, last_result: 'fine again', runs: 3 })
  await jobs.stop()
})

test('a job that is started by hand while it runs runs once more, for all who asked', async () => {
  const jobs = started()
  const { promise, resolve } = Promise.withResolvers<string>()
  jobs.add(job('slow', () => promise))
  const both = Promise.all([jobs.run('slow'), jobs.run('slow')])
  expect(jobs.status()[0]?.running).toBe(true)
  resolve('done')
  for (const status of await both) expect(status).toMatchObject({ runs: 2, last_result: 'done' })
  await jobs.stop()
})

test('stopping ends what runs, waits for it, and starts nothing more', async () => {
  const jobs = started()
  let ended = false
  const until = (signal: AbortSignal) =>
    new Promise<string>((resolve) =>
      signal.addEventListener('abort', () => {
        ended = true
        resolve('stopped')
      }),
    )
  jobs.add(job('long', until))
  await jobs.stop()
  expect(ended).toBe(true)
  expect(await jobs.run('long')).toMatchObject({ runs: 1 })
})

test('a job that is none is 404', async () => {
  await expect(started().run('nothing')).rejects.toMatchObject({ code: 'not_found' })
})
