import type { CallContext, ModelInfo } from '../provider.ts'
import { fieldsOf, parseJson, readText } from '../read-reply.ts'
import { toProviderError } from './errors.ts'
import { bareName, looksLikeDrawing } from './models.ts'
import { keyHeader, type Upstream } from './send.ts'

const MAX_LIST_BYTES = 16 * 1024 * 1024
const TIMEOUT = 20_000
/** Of a thousand models each. */
const MAX_PAGES = 10

/** Asks `GET /models` for those that draw, page by page. @throws OutgoingError, ProviderError */
export async function fetchModels(
  upstream: Upstream,
  secret: string,
  context: Pick<CallContext, 'http' | 'signal'>,
): Promise<ModelInfo[]> {
  const found = new Map<string, ModelInfo>()
  let token = ''
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { models, nextPageToken } = fieldsOf(await fetchPage(upstream, secret, token, context))
    for (const model of Array.isArray(models) ? models.flatMap(readModel) : []) found.set(model.id, model)
    if (typeof nextPageToken !== 'string' || nextPageToken === '' || nextPageToken === token) break
    token = nextPageToken
  }
  return [...found.values()]
}

async function fetchPage(
  upstream: Upstream,
  secret: string,
  token: string,
  { http, signal }: Pick<CallContext, 'http' | 'signal'>,
): Promise<unknown> {
  const next = token === '' ? '' : `&pageToken=${encodeURIComponent(token)}`
  const reply = await http.request({
    url: `${upstream.baseUrl}/models?pageSize=1000${next}`,
    method: 'GET',
    headers: { accept: 'application/json', ...keyHeader(secret) },
    signal,
    timeout: Math.min(TIMEOUT, upstream.timeout),
    trust: upstream.trust,
    maxBytes: MAX_LIST_BYTES,
  })
  const text = await readText(reply, MAX_LIST_BYTES)
  const body = parseJson(text)
  if (reply.status !== 200 || !Array.isArray(fieldsOf(body).models))
    throw toProviderError({ ...reply, body, text, secret })
  return body
}

/** One that draws, or nothing. Those with `predict` alone are asked in another way than ours. */
function readModel(entry: unknown): ModelInfo[] {
  const { name, supportedGenerationMethods: methods } = fieldsOf(entry)
  if (typeof name !== 'string' || !looksLikeDrawing(name)) return []
  if (Array.isArray(methods) && !methods.includes('generateContent')) return []
  return [{ id: bareName(name), created: 0, ownedBy: 'google' }]
}
