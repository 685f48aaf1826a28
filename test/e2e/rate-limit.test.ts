import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, startPictor, type TestPictor } from '../pictor.ts'

/** Time stands still, so that a slow machine gets no more tokens than a fast one. */
const FROZEN = { clock: { now: () => Date.UTC(2026, 10, 24) } }
const PATH = '/api/v1/nowhere'

let pictor: TestPictor
const opened: TestPictor[] = []
beforeAll(async () => {
  pictor = await start({})
})
afterAll(() => Promise.all(opened.map((one) => one[Symbol.asyncDispose]())))

async function start(env: Record<string, string>): Promise<TestPictor> {
  const started = await startPictor(env, FROZEN)
  opened.push(started)
  return started
}

/** How many of so many requests were let in. */
async function letIn({ url }: TestPictor, times: number, headers: Record<string, string> = {}, path = PATH) {
  const replies = await Promise.all(
    Array.from({ length: times }, async () => {
      const reply = await fetch(`${url}${path}`, { headers })
      await reply.arrayBuffer()
      return reply.status
    }),
  )
  return replies.filter((status) => status !== 429).length
}

const from = (address: string) => ({ 'x-forwarded-for': address })

describe('without TRUST_PROXY', () => {
  test('twenty requests, then 429 with the words of the contract; a forged address does not help', async () => {
    expect(await letIn(pictor, 30)).toBe(20)
    expect(await letIn(pictor, 5, from('203.0.113.9'))).toBe(0)

    const refused = await fetch(`${pictor.url}${PATH}`, { headers: { origin: 'https://example.com' } })
    expect(refused.status).toBe(429)
    expect(await refused.json()).toEqual({ code: 429, message: '请求过于频繁,请稍后再试' })
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(refused.headers.get('access-control-allow-origin')).toBe('*')
    expect(refused.headers.get('access-control-expose-headers')).toContain('retry-after')
    const english = await fetch(`${pictor.url}${PATH}`, { headers: { 'accept-language': 'en' } })
    expect(await english.json()).toEqual({ code: 429, message: 'Too many requests. Try again later.' })
  })

  test('nothing else counts and nothing else is refused: public pictures, /v1, /health, what a browser asks first', async () => {
    const drawn = await pictor.fetch('/v1/images/generations', json({ prompt: 'a fox', size: '64x64' }))
    const { data } = (await drawn.json()) as { data: { image_id: string }[] }
    const path = `/images/${data[0]?.image_id}`
    expect(await letIn(pictor, 60, {}, path)).toBe(60)
    expect(await letIn(pictor, 30, {}, '/health')).toBe(30)
    expect(await letIn(pictor, 30, {}, '/v1/models')).toBe(30)
    const preflight = await fetch(`${pictor.url}${PATH}`, {
      method: 'OPTIONS',
      headers: { origin: 'https://example.com', 'access-control-request-method': 'POST' },
    })
    expect(preflight.status).toBe(204)
    expect((await fetch(`${pictor.url}/api/v1${path}`)).status).toBe(429)
  })
})

describe('behind a trusted proxy', () => {
  test('each client has its own bucket, and what a client itself forges is not believed', async () => {
    const behind = await start({ TRUST_PROXY: 'loopback' })
    expect(await letIn(behind, 30, from('203.0.113.1'))).toBe(20)
    expect(await letIn(behind, 30, from('203.0.113.2'))).toBe(20)
    // A proxy appends the address that it sees to what the client sent.
    expect(await letIn(behind, 5, from('198.51.100.7, 203.0.113.1'))).toBe(0)
    expect(await letIn(behind, 30, from('2001:db8::1'))).toBe(20)
    expect(await letIn(behind, 5, from('2001:db8::2'))).toBe(0)
  })

  test('a proxy that is not the trusted one is a client like any other', async () => {
    const behind = await start({ TRUST_PROXY: '10.0.0.0/8' })
    expect(await letIn(behind, 30, from('203.0.113.1'))).toBe(20)
    expect(await letIn(behind, 5, from('203.0.113.2'))).toBe(0)
  })
})
