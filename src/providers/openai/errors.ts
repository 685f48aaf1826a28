import { ProviderError, type ProviderErrorKind } from '../provider-error.ts'
import { isPage } from '../read-reply.ts'
import { retryAfter } from '../retry-after.ts'
import { scrub } from '../scrub.ts'

/** An answer that says that something went wrong. */
export interface FailedReply {
  status: number
  headers: Readonly<Record<string, string>>
  /** The parsed body; undefined when it is no JSON. */
  body: unknown
  /** The beginning of the body as text, for when it is no JSON. */
  text: string
  /** The key that was sent; never gets into an error. */
  secret: string
}

/** What a failed answer means. Upstreams agree neither on status codes nor on shapes, so both and the words count. */
export function toProviderError(reply: FailedReply): ProviderError {
  const said = readError(reply.body) ?? {
    message: reply.text,
    code: undefined,
    type: undefined,
    param: undefined,
  }
  const kind = kindOf(reply, said)
  const detail = scrub(said.message, reply.secret) || `HTTP ${reply.status}`
  return new ProviderError(kind, {
    detail,
    ...defined('code', said.code && scrub(said.code, reply.secret)),
    ...defined('param', said.param ?? (said.code === 'model_not_found' ? 'model' : undefined)),
    ...defined('retryAfter', WAITING.has(kind) ? retryAfter(reply.headers, said.message) : undefined),
    expired: kind === 'auth' && reply.status === 401,
    maybePaid: kind === 'timeout' || (reply.status < 300 && (kind === 'upstream_bug' || kind === 'no_image')),
  })
}

/** Whether a body without pictures says why, whatever its status. */
export function holdsError(body: unknown): boolean {
  return readError(body) !== undefined
}

const WAITING = new Set<ProviderErrorKind>(['rate', 'quota', 'overloaded'])

interface SaidError {
  message: string
  code: string | undefined
  type: string | undefined
  param: string | undefined
}

/**
 * OpenAI `{error:{message,type,param,code}}`, xAI `{code,error:"…"}` and `{error:"…"}`, relays `{message}` and
 * `{detail}`, Google's array around an error. Codes may be numbers, empty or null.
 */
function readError(body: unknown): SaidError | undefined {
  const outer: unknown = Array.isArray(body) ? body[0] : body
  if (!isRecord(outer)) return undefined
  const inner = isRecord(outer.error) ? outer.error : outer
  const message = [inner.message, inner.error, inner.detail, inner.msg]
    .map(words)
    .find((text) => text !== undefined)
  if (message === undefined && inner === outer) return undefined
  return {
    message: message ?? JSON.stringify(inner),
    code: words(inner.code) ?? words(outer.code),
    type: words(inner.type),
    param: words(inner.param),
  }
}

function words(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return value === '' ? undefined : value
  return Array.isArray(value) && value.length > 0 ? JSON.stringify(value) : undefined
}

/** First match wins. Codes are exact, words are looked for in message, code and type. */
function kindOf({ status, text, body }: FailedReply, said: SaidError): ProviderErrorKind {
  if (BAD_PARAM_CODES.has(said.code ?? '') && status < 500) return 'bad_param'
  const all = `${said.message} ${said.code ?? ''} ${said.type ?? ''}`
  if (MODERATION.test(all)) return 'moderation'
  if (status === 402 || QUOTA.test(all)) return 'quota'
  if (status === 429 || RATE.test(all)) return 'rate'
  if (status === 401 || status === 403 || AUTH.test(all)) return 'auth'
  if (status === 408 || status === 504 || status === 524 || TIMEOUT.test(all)) return 'timeout'
  if (OVERLOADED_STATUS.has(status) || OVERLOADED.test(all)) return 'overloaded'
  if (isPage(body, text)) return 'upstream_bug'
  return status >= 400 && status < 500 ? 'bad_param' : 'upstream_bug'
}

const BAD_PARAM_CODES = new Set([
  'unknown_parameter',
  'invalid_value',
  'invalid_type',
  'missing_required_parameter',
  'string_above_max_length',
  'model_not_found',
])
const MODERATION =
  /moderation|safety|content[ _-]?(policy|filter)|policy[ _]violation|responsible ai|nsfw|inappropriate|审核|敏感|违规|违禁/i
const QUOTA = /insufficient_(user_)?quota|current quota|billing|credits?\b|balance|额度|余额|欠费/i
const RATE = /rate[ _-]?limit|too many requests|请求过于频繁|限流/i
const AUTH =
  /(invalid|incorrect|missing|expired|no) (api|access)?[ _-]?(key|token)|invalid_api_key|unauthori[sz]ed|无效的令牌/i
const TIMEOUT = /timed?[ _-]?out/i
const OVERLOADED_STATUS = new Set([502, 503, 520, 521, 522, 523, 529])
const OVERLOADED =
  /overloaded|no (available )?channel|at capacity|capacity exceeded|currently unavailable|try again later|负载|无可用渠道/i

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function defined<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { [Key in Name]?: Value } {
  const result: { [Key in Name]?: Value } = {}
  if (value !== undefined) result[name] = value
  return result
}
