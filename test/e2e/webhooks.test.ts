import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, startPictor, startWithAnyModel, type TestGateway } from '../pictor.ts'
import { callsFor, eventually } from './evidence.ts'
import { cancel, ended, poll, submit } from './job.ts'
import { isSignedWith, startReceiver } from './webhook-receiver.ts'

const webhookKey = randomBytes(24)
let pictor: TestGateway
beforeAll(async () => {
  pictor = await startWithAnyModel(
    { WORKERS: '1', WEBHOOK_SECRET: `whsec_${webhookKey.toString('base64')}` },
    { isAllowedAddress: (address) => address === '127.0.0.1' },
  )
})
afterAll(() => pictor?.[Symbol.asyncDispose]())

const reached = (model: string) =>
  eventually(() => (callsFor(pictor.upstream, model).length > 0 ? true : undefined))

describe('a webhook', () => {
  test('gets the end of a job, signed, and again after it failed', async () => {
    await using receiver = await startReceiver(500, 204)
    const job = await submit(pictor, { model: 'image-hook', webhook_url: receiver.url })
    await ended(pictor, job)
    await eventually(() => receiver.deliveries[1])
    for (const delivery of receiver.deliveries) {
      expect(delivery.headers['content-type']).toBe('application/json')
      expect(delivery.headers['webhook-id']).toBe(job.id)
      expect(isSignedWith(webhookKey, delivery)).toBe(true)
      expect(isSignedWith(randomBytes(24), delivery)).toBe(false)
      expect(JSON.parse(delivery.body)).toEqual({
        type: 'image.job.completed',
        timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
        data: await poll(pictor, job, '?response_format=url'),
      })
    }
  })

  test('hears of failures and of cancelled jobs', async () => {
    await using receiver = await startReceiver()
    pictor.upstream.behave('image-hook-failed', '400-invalid-value')
    const failed = await submit(pictor, { model: 'image-hook-failed', webhook_url: receiver.url })
    await ended(pictor, failed)
    pictor.upstream.behave('image-hook-cancelled', 'hang')
    const cancelled = await submit(pictor, { model: 'image-hook-cancelled', webhook_url: receiver.url })
    await reached('image-hook-cancelled')
    const waiting = await submit(pictor, { model: 'image-hook-waiting', webhook_url: receiver.url })
    await cancel(pictor, waiting)
    await cancel(pictor, cancelled)
    await eventually(() => receiver.deliveries[2])
    const heard = receiver.deliveries.map(({ headers, body }) => [
      headers['webhook-id'],
      JSON.parse(body).type,
    ])
    expect(new Map(heard as [string, string][])).toEqual(
      new Map([
        [failed.id, 'image.job.failed'],
        [waiting.id, 'image.job.cancelled'],
        [cancelled.id, 'image.job.cancelled'],
      ]),
    )
  })

  test('at an address inside the network is not called', async () => {
    await using receiver = await startReceiver()
    await using guarded = await startPictor({ WEBHOOK_SECRET: 'sixteen letters!' })
    const job = await submit(guarded, { model: 'demo', webhook_url: receiver.url })
    expect((await ended(guarded, job)).status).toBe('completed')
    await eventually(async () => {
      const { query } = guarded.app.parts.gateway.database
      const left = await query.selectFrom('job').selectAll().where('queue', '=', 'webhook').executeTakeFirst()
      return left?.error?.includes('not a public address') ? true : undefined
    })
    expect(receiver.deliveries).toEqual([])
  })

  test('needs a secret', async () => {
    await using plain = await startPictor()
    const response = await plain.fetch(
      '/v1/images/generations',
      json({ prompt: 'a cat', async: true, webhook_url: 'https://receiver.example/' }),
    )
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { code: 'webhook_not_configured', param: 'webhook_url' },
    })
  })
})
