import { expect } from 'vitest'
import { json, type TestPictor } from '../pictor.ts'
import type { ImagesReply } from './ask.ts'
import { eventually } from './evidence.ts'

/** An async job as the API shows it. */
export interface Job {
  id: string
  object: string
  status: string
  created_at: number
  completed_at?: number
  url: string
  result?: ImagesReply
  error?: { code: string; message: string }
}

export async function submit(
  { fetch }: TestPictor,
  body: Record<string, unknown>,
  route = 'generations',
): Promise<Job> {
  const response = await fetch(
    `/v1/images/${route}`,
    json({ prompt: 'a cat', size: '64x64', async: true, ...body }),
  )
  expect(response.status).toBe(202)
  return (await response.json()) as Job
}

export const poll = async ({ fetch }: TestPictor, { id }: Job, query = ''): Promise<Job> =>
  (await (await fetch(`/v1/images/jobs/${id}${query}`)).json()) as Job

/** The job when it has ended. */
export const ended = (pictor: TestPictor, job: Job): Promise<Job> =>
  eventually(async () => {
    const now = await poll(pictor, job)
    return ['queued', 'running'].includes(now.status) ? undefined : now
  })

export const cancel = async ({ fetch }: TestPictor, { id }: Job): Promise<Job> =>
  (await (await fetch(`/v1/images/jobs/${id}`, { method: 'DELETE' })).json()) as Job
