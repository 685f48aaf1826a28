import type { CallContext, ModelInfo } from '../provider.ts'
import { parseJson, readText } from '../read-reply.ts'
import { looksLikeImageModel } from './capabilities.ts'
import { toProviderError } from './errors.ts'
import { authorization, type Upstream } from './send.ts'

/** Thousands of entries with prices and descriptions, as OpenRouter's list has them, fit in. */
const MAX_LIST_BYTES = 16 * 1024 * 1024
const TIMEOUT = 20_000

/** Asks `GET /models` and keeps what can draw. @throws OutgoingError, ProviderError */
export async function fetchModels(
  upstream: Upstream,
  secret: string,
  { http, signal }: Pick<CallContext, 'http' | 'signal'>,
): Promise<ModelInfo[]> {
  const reply = await http.request({
    url: `${upstream.baseUrl}/models`,
    method: 'GET',
    headers: { accept: 'application/json', ...authorization(secret) },
    signal,
    timeout: Math.min(TIMEOUT, upstream.timeout),
    trust: 'operator',
    maxBytes: MAX_LIST_BYTES,
  })
  const text = await readText(reply, MAX_LIST_BYTES)
  const body = parseJson(text)
  const list = listIn(body)
  if (reply.status !== 200 || list === undefined) throw toProviderError({ ...reply, body, text, secret })
  return list.flatMap((entry) => readModel(entry) ?? [])
}

/** OpenAI's `data`, or a bare list, or `models`. */
function listIn(body: unknown): readonly unknown[] | undefined {
  if (Array.isArray(body)) return body
  const { data, models } = fieldsOf(body)
  if (Array.isArray(data)) return data
  return Array.isArray(models) ? models : undefined
}

function readModel(entry: unknown): ModelInfo | undefined {
  const { id, created, owned_by: ownedBy } = typeof entry === 'string' ? { id: entry } : fieldsOf(entry)
  if (typeof id !== 'string' || !(saysImage(entry) ?? looksLikeImageModel(id))) return undefined
  return {
    id,
    created: typeof created === 'number' ? created : 0,
    ownedBy: typeof ownedBy === 'string' ? ownedBy : '',
  }
}

/** `output_modalities` of OpenRouter and xAI, on top or in `architecture`; undefined where the list does not say. */
function saysImage(entry: unknown): boolean | undefined {
  const { output_modalities: own, architecture } = fieldsOf(entry)
  const modalities = own ?? fieldsOf(architecture).output_modalities
  return Array.isArray(modalities) ? modalities.includes('image') : undefined
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
