import type { CallContext, ModelInfo } from '../provider.ts'
import { fieldsOf, parseJson, readText } from '../read-reply.ts'
import { toProviderError } from './errors.ts'
import { authorization, type Upstream } from './send.ts'

/** Thousands of entries with prices and descriptions, as OpenRouter's list has them, fit in. */
const MAX_LIST_BYTES = 16 * 1024 * 1024
const TIMEOUT = 20_000

/** A model in an upstream's list. */
export interface FoundModel {
  info: ModelInfo
  /** What it can answer with, such as `text` and `image`; undefined where the list does not say. */
  outputs: readonly string[] | undefined
}

/** Asks `GET /models`. @throws OutgoingError, ProviderError */
export async function fetchModels(
  upstream: Upstream,
  secret: string,
  { http, signal }: Pick<CallContext, 'http' | 'signal'>,
): Promise<FoundModel[]> {
  const reply = await http.request({
    url: `${upstream.baseUrl}/models`,
    method: 'GET',
    headers: { accept: 'application/json', ...authorization(secret) },
    signal,
    timeout: Math.min(TIMEOUT, upstream.timeout),
    trust: upstream.trust,
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

function readModel(entry: unknown): FoundModel | undefined {
  const { id, created, owned_by: ownedBy } = typeof entry === 'string' ? { id: entry } : fieldsOf(entry)
  if (typeof id !== 'string' || id === '') return undefined
  const info = {
    id,
    created: typeof created === 'number' ? created : 0,
    ownedBy: typeof ownedBy === 'string' ? ownedBy : '',
  }
  return { info, outputs: outputsOf(entry) }
}

/** `output_modalities` of OpenRouter and xAI, on top or in `architecture`. */
function outputsOf(entry: unknown): string[] | undefined {
  const { output_modalities: own, architecture } = fieldsOf(entry)
  const outputs = own ?? fieldsOf(architecture).output_modalities
  return Array.isArray(outputs) ? outputs.filter((output) => typeof output === 'string') : undefined
}
