import { createHmac } from 'node:crypto'
import type { Gateway } from '../../gateway/gateway.ts'
import { loadWithImages } from '../../gateway/run.ts'
import { findTaskToRun } from '../../tasks/task-table.ts'
import { toJobReply } from './job-reply.ts'

const TIMEOUT = 15_000

export interface WebhookSettings {
  secret: string
  /** Our address for the links in the message. */
  baseUrl: string
}

/**
 * Tells a finished job to its webhook, signed after the Standard Webhooks specification
 * (https://www.standardwebhooks.com): `webhook-id`, `webhook-timestamp` in seconds, and `webhook-signature`,
 * `v1,` + base64 of HMAC-SHA256 over `id.timestamp.body`. Throws when the receiver did not take it, so that the queue
 * tries again; the id stays the same, so a receiver can tell a repetition.
 */
export async function deliverWebhook(
  gateway: Gateway,
  settings: WebhookSettings,
  taskId: string,
  signal: AbortSignal,
): Promise<void> {
  const task = await findTaskToRun(gateway.database.query, taskId)
  const finished = task && (await loadWithImages(gateway, task.owner, taskId))
  if (finished?.task.webhookUrl === undefined) return
  const data = await toJobReply(gateway.library, finished, { format: 'url', baseUrl: settings.baseUrl })
  const now = gateway.clock.now()
  const type = `image.job.${finished.task.status}`
  const body = JSON.stringify({ type, timestamp: new Date(now).toISOString(), data })
  const timestamp = String(Math.floor(now / 1000))
  const reply = await gateway.http.request({
    url: finished.task.webhookUrl,
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'webhook-id': taskId,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${sign(settings.secret, `${taskId}.${timestamp}.${body}`)}`,
    },
    body,
    signal,
    timeout: TIMEOUT,
    trust: 'guarded',
  })
  reply.discard()
  if (reply.status >= 300) throw new Error(`the webhook answered with status ${reply.status}`)
}

/** A `whsec_` secret is base64 of the key, as the specification has it; any other text is the key itself. */
function sign(secret: string, message: string): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret)
  return createHmac('sha256', key).update(message).digest('base64')
}
