import { ProviderError, type ProviderErrorKind } from '../provider-error.ts'
import { fieldsOf, isPage, parseJson } from '../read-reply.ts'
import { durationOf, retryAfter } from '../retry-after.ts'
import { scrub } from '../scrub.ts'
import { detailsIn, type ErrorDetails } from './error-details.ts'

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

/** What a failed answer means: `{error:{code,message,status,details}}`, also in an array, in a 200, or as a web page. */
export function toProviderError(reply: FailedReply): ProviderError {
  const said = readError(reply.body) ?? {
    message: reply.text,
    code: undefined,
    status: '',
    details: NO_DETAILS,
  }
  // Behind a 200 the code in the body is the one that counts.
  const status = reply.status < 300 ? (said.code ?? reply.status) : reply.status
  const kind = kindOf(status, said, reply)
  const isLost = status === 404 && kind === 'bad_param'
  return new ProviderError(kind, {
    detail: scrub(`${said.message}${ADVICE[kind]?.(said) ?? ''}`, reply.secret) || `HTTP ${reply.status}`,
    code: isLost ? 'model_not_found' : said.status || undefined,
    param: kind === 'bad_param' ? (isLost ? 'model' : paramOf(said)) : undefined,
    retryAfter: waitOf(kind, said, reply),
    expired: kind === 'auth' && isKeyGone(status, said),
    maybePaid: kind === 'timeout' || (reply.status < 300 && kind === 'upstream_bug'),
  })
}

/** Whether a body, or a piece of a stream, says that it failed. */
export function holdsError(body: unknown): boolean {
  return readError(body) !== undefined
}

interface SaidError {
  message: string
  code: number | undefined
  /** Google's name of the code, e.g. `RESOURCE_EXHAUSTED`; empty where there is none. */
  status: string
  details: ErrorDetails
}

const NO_DETAILS = detailsIn(undefined)

function readError(body: unknown, depth = 0): SaidError | undefined {
  const outer = fieldsOf(Array.isArray(body) ? body[0] : body)
  if (typeof outer.error === 'string')
    return { message: outer.error, code: undefined, status: '', details: NO_DETAILS }
  if (typeof outer.error !== 'object' || outer.error === null) return undefined
  const { message, code, status, details } = fieldsOf(outer.error)
  const words = typeof message === 'string' ? message : ''
  // Proxies put the whole of Google's answer into the message of their own.
  const inner = depth === 0 && words.startsWith('{') ? readError(parseJson(words), 1) : undefined
  const number = Number(code)
  return (
    inner ?? {
      message: words || JSON.stringify(outer.error),
      code: number >= 400 ? number : undefined,
      status: typeof status === 'string' ? status : '',
      details: detailsIn(details),
    }
  )
}

/** First match wins. */
function kindOf(status: number, said: SaidError, { body, text }: FailedReply): ProviderErrorKind {
  const { message, details } = said
  if (status === 429 || said.status === 'RESOURCE_EXHAUSTED') return isUsedUp(said) ? 'quota' : 'rate'
  if (AUTH_REASONS.has(details.reason) || AUTH.test(message)) return 'auth'
  if (status === 402 || BILLING.test(message)) return 'quota'
  if (status === 401 || status === 403) return 'auth'
  if (MODERATION.test(message)) return 'moderation'
  if (status === 408 || status === 499 || status === 504 || status === 524) return 'timeout'
  if (OVERLOADED_STATUS.has(status) || OVERLOADED.test(message)) return 'overloaded'
  if (isPage(body, text)) return 'upstream_bug'
  return status >= 400 && status < 500 ? 'bad_param' : 'upstream_bug'
}

function isKeyGone(status: number, { message, details }: SaidError): boolean {
  return status === 401 || details.reason === 'API_KEY_INVALID' || KEY_GONE.test(message)
}

const KEY_GONE = /api key (not valid|not found|expired|was reported)/i
const AUTH_REASONS = new Set([
  'API_KEY_INVALID',
  'API_KEY_SERVICE_BLOCKED',
  'SERVICE_DISABLED',
  'CONSUMER_INVALID',
])
/** A region that Google does not serve is nothing that another prompt could help. */
const AUTH =
  /api key (not valid|not found|expired|was reported)|location is not supported|unregistered callers/i
const BILLING = /bill(ing|ed)|prepa(id|y)|credits?\b|spending cap/i
/** Not `safety_settings`, which is a parameter. */
const MODERATION =
  /responsible ai|content policy|policy violation|prohibited (content|use)|blocked (by|due to|for) .*safety/i
const OVERLOADED_STATUS = new Set([502, 503, 520, 521, 522, 523, 529])
const OVERLOADED = /overloaded|currently unavailable|high demand/i

/** A limit of the day, or one of zero: waiting a minute changes nothing. Google's words are the same for both. */
function isUsedUp({ message, details }: SaidError): boolean {
  if (/limit: 0\b/.test(message) || BILLED_OUT.test(message)) return true
  if (details.quotas.length > 0) return details.quotas.some((quota) => PER_DAY.test(quota))
  return PER_DAY.test(message)
}

const PER_DAY = /per[ _-]?day|daily/i
const BILLED_OUT = /prepa(id|y)|credits? (are|is|have)|insufficient|spending cap|billing (account|hard)/i

/** What to do, where Google's own words do not say it. */
const ADVICE: Partial<Record<ProviderErrorKind, (said: SaidError) => string>> = {
  auth: ({ message }) =>
    /location is not supported/i.test(message)
      ? ' Google does not serve the country that this server is in; PROXY_URL can lead there from another.'
      : '',
  bad_param: ({ message }) =>
    /thought_?signature/i.test(message)
      ? ' The picture was drawn by the model and has lost what goes with it: send it as a new reference, in a message of the user.'
      : '',
}

/** Below this, what Google names is the limit of the minute, whichever is used up. */
const SHORTEST_QUOTA_WAIT = 10 * 60

function waitOf(
  kind: ProviderErrorKind,
  { details, message }: SaidError,
  { headers }: FailedReply,
): number | undefined {
  if (kind !== 'rate' && kind !== 'quota' && kind !== 'overloaded') return undefined
  const said = durationOf(details.retryDelay)
  const seconds = said ?? retryAfter(headers, message)
  return kind === 'quota' && (seconds ?? 0) < SHORTEST_QUOTA_WAIT ? undefined : seconds
}

/** The field that Google blames: `Invalid value at 'generation_config.image_config.aspect_ratio'`. */
function paramOf({ message, details }: SaidError): string | undefined {
  if (/thought_?signature/i.test(message)) return 'image'
  return details.field ?? /(?:at|name) ['"]([\w.[\]]{1,100})['"]/.exec(message)?.[1]
}
