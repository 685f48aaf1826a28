import type { OutgoingReply } from '../../base/http.ts'
import { jsonBody } from '../json-body.ts'
import type { CallContext } from '../provider.ts'
import { MAX_REPLY_BYTES } from '../read-reply.ts'
import type { GeminiRequest } from './plan.ts'

export interface Upstream {
  /** With the version and without a slash at the end. */
  baseUrl: string
  /** Milliseconds for one call. */
  timeout: number
  /** `guarded` where the address did not come from the operator. */
  trust: 'operator' | 'guarded'
}

/** Puts one call on the wire. */
export function send(
  upstream: Upstream,
  { model, body, previews }: GeminiRequest,
  context: CallContext,
): Promise<OutgoingReply> {
  const streams = previews > 0
  const method = streams ? 'streamGenerateContent?alt=sse' : 'generateContent'
  return context.http.request({
    url: `${upstream.baseUrl}/models/${encodeURIComponent(model)}:${method}`,
    method: 'POST',
    headers: {
      ...keyHeader(context.account.secret),
      'content-type': 'application/json',
      accept: streams ? 'text/event-stream' : 'application/json',
    },
    body: jsonBody(body),
    signal: context.signal,
    timeout: upstream.timeout,
    trust: upstream.trust,
    maxBytes: MAX_REPLY_BYTES,
  })
}

/** Never in the address, which ends up in logs. */
export function keyHeader(secret: string): Record<string, string> {
  return secret === '' ? {} : { 'x-goog-api-key': secret }
}
