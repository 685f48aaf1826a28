import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, expect, test } from 'vitest'
import { AppError } from '../base/error.ts'
import { clientOf, limitRate } from './rate-limit.ts'

const opened: FastifyInstance[] = []
afterAll(() => Promise.all(opened.map((app) => app.close())))

/** A server with the hook, and a clock that stands still until it is moved. */
function limited() {
  const time = { now: 1_000_000 }
  const app = Fastify()
  opened.push(app)
  app.addHook('onRequest', limitRate({ now: () => time.now }))
  app.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof AppError)) throw error
    reply.code(error.row.status).send({ code: error.code, wait: error.retryAfter })
  })
  app.get('/', () => 'in')
  const ask = async (remoteAddress = '192.0.2.1') => app.inject({ url: '/', remoteAddress })
  const askTimes = async (times: number, address?: string) => {
    const replies = await Promise.all(Array.from({ length: times }, () => ask(address)))
    return replies.filter(({ statusCode }) => statusCode === 200).length
  }
  return { time, ask, askTimes }
}

test('twenty at once, then ten a second, for ever', async () => {
  const { time, askTimes } = limited()
  expect(await askTimes(30)).toBe(20)
  for (let second = 0; second < 5; second += 1) {
    time.now += 1000
    expect(await askTimes(15)).toBe(10)
  }
  time.now += 99
  expect(await askTimes(1)).toBe(0)
  time.now += 1
  expect(await askTimes(2)).toBe(1)
})

test('a long rest gives no more than the burst', async () => {
  const { time, askTimes } = limited()
  await askTimes(25)
  time.now += 3_600_000
  expect(await askTimes(30)).toBe(20)
})

test('a refusal costs nothing and says when to come again', async () => {
  const { time, ask, askTimes } = limited()
  await askTimes(100)
  expect((await ask()).json()).toEqual({ code: 'too_many_requests', wait: 0.1 })
  time.now += 60
  expect((await ask()).json().wait).toBeCloseTo(0.04)
  time.now += 40
  expect(await askTimes(1)).toBe(1)
})

test('a clock that is set back takes nothing away', async () => {
  const { time, askTimes } = limited()
  expect(await askTimes(5)).toBe(5)
  time.now -= 600_000
  expect(await askTimes(20)).toBe(15)
})

test('each client has its own, and an IPv6 client cannot make itself many', async () => {
  const { askTimes } = limited()
  expect(await askTimes(30, '192.0.2.1')).toBe(20)
  expect(await askTimes(30, '192.0.2.2')).toBe(20)
  expect(await askTimes(5, '::ffff:192.0.2.2')).toBe(0)
  expect(await askTimes(30, '2001:db8:1:2::1')).toBe(20)
  expect(await askTimes(5, '2001:db8:1:2:ffff:ffff:ffff:ffff')).toBe(0)
  expect(await askTimes(5, '2001:db8:1:3::1')).toBe(5)
})

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['::FFFF:0a00:0001', '10.0.0.1'],
  ['2001:db8:0:1::5', '2001:db8:0:1::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['unknown', 'unknown'],
  ['x'.repeat(1000), 'x'.repeat(64)],
])('%s is the client %s', (address, client) => {
  expect(clientOf(address)).toBe(client)
})
