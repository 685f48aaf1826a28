import { afterAll, describe, expect, test } from 'vitest'
import { AppError } from '../base/error.ts'
import { newId } from '../base/id.ts'
import { isUniqueViolation } from '../db/errors.ts'
import { testDatabases } from '../db/testing.ts'
import { findInputs, insertInputs } from './task-input-table.ts'
import {
  findRepeated,
  findTask,
  findTaskToRun,
  finishTask,
  insertTask,
  lowerCompleted,
  startTask,
  type TaskRecord,
  unfinishedTasks,
} from './task-table.ts'

const newTask = (differences: Partial<TaskRecord> = {}): TaskRecord => ({
  id: newId(),
  mode: 'async',
  owner: 'someone',
  status: 'queued',
  job: { kind: 'generate', dialect: 'openai', model: 'm', prompt: 'a fox', n: 2 },
  total: 2,
  completed: 0,
  failed: 0,
  warnings: [],
  usage: undefined,
  error: undefined,
  idempotencyKey: undefined,
  requestHash: '',
  webhookUrl: undefined,
  createdAt: 1000,
  finishedAt: undefined,
  credential: undefined,
  pool: undefined,
  ...differences,
})

const DONE = {
  status: 'completed',
  completed: 2,
  failed: 0,
  warnings: [],
  usage: undefined,
  error: undefined,
} as const

for (const engine of testDatabases()) {
  describe(engine.name, async () => {
    const opened = await engine.open()
    const { query } = opened.database
    afterAll(() => opened[Symbol.asyncDispose]())

    test.each([
      ['NUL', 'a \0 fox'],
      ['a lone surrogate', 'a \ud800 fox'],
      ['emoji', '🦊👨‍👩‍👧‍👦'],
      ['quotes and backslashes', `'"\\'; drop table task; --\n\t%_`],
      ['names of the language', '__proto__ constructor'],
      ['the longest prompt', '狐'.repeat(32_000)],
    ])('a job with %s comes back as it was', async (_name, prompt) => {
      const extra = JSON.parse(`{"__proto__":{"a":1},"deep":[null,{"x":${JSON.stringify(prompt)}}]}`)
      const task = newTask({
        job: { ...newTask().job, prompt, extra },
        idempotencyKey: newId(),
        requestHash: 'f'.repeat(64),
        webhookUrl: 'https://example.com/hook?a=🦊',
      })
      await insertTask(query, task)
      expect(await findTask(query, 'someone', task.id)).toEqual(task)
      expect(await findTaskToRun(query, task.id)).toEqual(task)
      expect(await findTask(query, 'someone else', task.id)).toBeUndefined()
      await query.deleteFrom('task').where('id', '=', task.id).execute()
    })

    test('pictures that are deleted are counted out, never below 0', async () => {
      const task = newTask()
      await insertTask(query, task)
      await finishTask(query, task.id, DONE, 1100)
      const lowered = async (by: number) => {
        await lowerCompleted(query, task.id, by)
        return (await findTask(query, 'someone', task.id))?.completed
      }
      expect([await lowered(1), await lowered(0), await lowered(5), await lowered(1)]).toEqual([1, 1, 0, 0])
    })

    test('a result is written once, with the error as it was', async () => {
      const task = newTask()
      await insertTask(query, task)
      expect(await startTask(query, task.id, 1100)).toBe(true)
      const error = new AppError('rate_limit_exceeded', { values: { detail: 'slow\0 down' }, retryAfter: 7 })
      const warnings = [{ param: 'n', message: '1 of 2' }]
      const result = {
        ...DONE,
        status: 'failed',
        completed: 0,
        failed: 2,
        warnings,
        usage: { tokens: 5 },
        error,
      } as const
      expect(await finishTask(query, task.id, result, 2000)).toBe(true)
      expect(await finishTask(query, task.id, DONE, 3000)).toBe(false)
      expect(await startTask(query, task.id, 3000)).toBe(false)
      const found = await findTaskToRun(query, task.id)
      expect(found).toMatchObject({
        status: 'failed',
        failed: 2,
        warnings,
        usage: { tokens: 5 },
        finishedAt: 2000,
      })
      expect(found?.error?.toJSON()).toEqual(error.toJSON())
      expect(found?.error?.message).toBe(error.message)
    })

    test('one owner has a key once; its case and accents count', async () => {
      const keys = ['key', 'KEY', 'kéy', 'k'.repeat(255)]
      const tasks = keys.map((idempotencyKey) => newTask({ owner: 'keys', idempotencyKey }))
      for (const task of tasks) await insertTask(query, task)
      for (const [index, key] of keys.entries())
        expect((await findRepeated(query, 'keys', key))?.id).toBe(tasks[index]?.id)
      const again = await insertTask(query, newTask({ owner: 'keys', idempotencyKey: 'key' })).catch(
        (error) => error,
      )
      expect(isUniqueViolation(again)).toBe(true)
      await insertTask(query, newTask({ owner: 'others', idempotencyKey: 'key' }))
      expect(await findRepeated(query, 'nobody', 'key')).toBeUndefined()
      await insertTask(query, newTask({ owner: 'keys' }))
      await insertTask(query, newTask({ owner: 'keys' }))
    })

    test('unfinished tasks: of one mode, from before, oldest first, as many as wanted', async () => {
      await query.deleteFrom('task').execute()
      const [third, first, second, running, live, sync, done] = [
        newTask({ createdAt: 30 }),
        newTask({ createdAt: 10 }),
        newTask({ createdAt: 20 }),
        newTask({ createdAt: 40, status: 'running' }),
        newTask({ createdAt: 100 }),
        newTask({ createdAt: 10, mode: 'sync', status: 'running' }),
        newTask({ createdAt: 10 }),
      ] as const
      for (const task of [third, first, second, running, live, sync, done]) await insertTask(query, task)
      await finishTask(query, done.id, DONE, 50)
      const ids = async (...rest: ['async' | 'sync', number, number]) =>
        (await unfinishedTasks(query, ...rest)).map(({ id }) => id)
      expect(await ids('async', 100, 10)).toEqual([first.id, second.id, third.id, running.id])
      expect(await ids('async', 100, 2)).toEqual([first.id, second.id])
      expect(await ids('sync', 100, 10)).toEqual([sync.id])
    })

    test('inputs come back in their order', async () => {
      const { id } = newTask()
      await insertInputs(query, id, [])
      expect(await findInputs(query, id)).toEqual([])
      const inputs = [
        { role: 'image', position: 1, sha256: 'b'.repeat(64) },
        { role: 'image', position: 0, sha256: 'b'.repeat(64) },
      ] as const
      await insertInputs(query, id, inputs)
      await insertInputs(query, id, [{ role: 'mask', position: 0, sha256: 'c'.repeat(64) }])
      const found = await findInputs(query, id)
      expect(found.filter(({ role }) => role === 'image')).toEqual([inputs[1], inputs[0]])
      expect(found.filter(({ role }) => role === 'mask')).toHaveLength(1)
    })
  })
}
