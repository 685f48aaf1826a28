import { expect } from 'vitest'
import type { BatchTask } from '../../contract/batch.ts'
import { json, type TestPictor } from '../pictor.ts'
import { eventually } from './evidence.ts'

/** An answer of `/api/v1`. */
export interface BatchAnswer<Data> {
  code: number
  message: string
  data: Data
  param?: string
  detail?: string
}

/** As if each request came from a client of its own, for a Pictor behind `TRUST_PROXY=loopback`: tests ask more often than one may. */
export function anyClient(): Record<string, string> {
  clients += 1
  return { 'x-forwarded-for': `10.${[16, 8, 0].map((shift) => (clients >> shift) & 255).join('.')}` }
}

let clients = 0

type Fetch = Pick<TestPictor, 'fetch'>

/** The answer to a request, whatever it says. */
export async function call<Data>(
  { fetch }: Fetch,
  path: string,
  init: RequestInit = {},
): Promise<BatchAnswer<Data>> {
  const headers = { ...anyClient(), ...(init.headers as Record<string, string>) }
  const response = await fetch(`/api/v1${path}`, { ...init, headers })
  const answer = (await response.json()) as BatchAnswer<Data>
  expect(answer.code).toBe(response.ok ? 0 : response.status)
  return answer
}

/** The data of a request that succeeds. */
export async function ask<Data>(pictor: Fetch, path: string, init: RequestInit = {}): Promise<Data> {
  const answer = await call<Data>(pictor, path, init)
  expect(answer).toMatchObject({ code: 0, message: 'success' })
  return answer.data
}

export const begin = (pictor: Fetch, body: Record<string, unknown>): Promise<BatchTask> =>
  ask(pictor, '/generate/batch', json({ prompt: 'a cat', count: 1, ...body }))

export const statusOf = (pictor: Fetch, id: string): Promise<BatchTask> =>
  ask(pictor, `/generate/status/${id}`)

/** The task when it has ended. */
export const endOf = (pictor: Fetch, { id }: { id: string }): Promise<BatchTask> =>
  eventually(async () => {
    const task = await statusOf(pictor, id)
    return task.status === 'processing' ? undefined : task
  })

export const history = (pictor: Fetch, query = ''): Promise<HistoryData> => ask(pictor, `/history${query}`)

export interface HistoryData {
  list: BatchTask[]
  total: number
  page: number
  pageSize: number
  nextCursor?: string
  keyword?: string
}
