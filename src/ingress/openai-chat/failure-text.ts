import type { ErrorCode } from '../../../contract/errors.ts'
import type { AppError } from '../../base/error.ts'
import { CHAT_TEXTS, type FailureKind, type Language } from './texts.ts'

/** A failure as markdown for the user: what happened, what to do, and what was said where that helps. */
export function failureText(error: AppError, language: Language): string {
  const texts = CHAT_TEXTS[language]
  const kind = KINDS[error.code] ?? 'other'
  const { title, advice } = texts.failures[kind]
  const wait =
    error.retryAfter === undefined ? [] : [texts.retryAfter(Math.max(1, Math.ceil(error.retryAfter)))]
  const reason = TELLING.has(kind) ? [texts.reason(oneLine(error.text(language)))] : []
  return [`**${title}**`, [advice, ...wait].join(language === 'zh' ? '' : ' '), ...reason].join('\n\n')
}

/** The same for the answer of a chat upstream that ended in the middle. */
export function brokenOffText(language: Language): string {
  const { title, advice } = CHAT_TEXTS[language].brokenOff
  return `**${title}**\n\n${advice}`
}

/** What is not listed is `other`. */
const KINDS: Partial<Record<ErrorCode, FailureKind>> = {
  insufficient_quota: 'quota',
  content_policy_violation: 'moderated',
  upstream_timeout: 'timeout',
  upstream_unreachable: 'unreachable',
  upstream_overloaded: 'busy',
  queue_full: 'busy',
  rate_limit_exceeded: 'limited',
  no_image: 'noPicture',
  upstream_auth: 'serverKey',
  insufficient_storage: 'diskFull',
  interrupted: 'interrupted',
  job_cancelled: 'cancelled',
  missing_required_parameter: 'refused',
  invalid_value: 'refused',
  string_above_max_length: 'refused',
  invalid_image: 'refused',
  image_too_large: 'refused',
  request_too_large: 'refused',
  external_image_disabled: 'refused',
  blocked_address: 'refused',
  model_not_found: 'refused',
  unsupported_operation: 'refused',
  image_not_found: 'refused',
}

/** Where the words of the upstream help the user. */
const TELLING: ReadonlySet<FailureKind> = new Set(['moderated', 'noPicture', 'refused'])

const LONGEST_REASON = 500

/** An upstream's words, so that they can neither break the markdown around them nor a line's limit. */
function oneLine(message: string): string {
  const line = message.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim()
  const short = line.length > LONGEST_REASON ? `${line.slice(0, LONGEST_REASON)}…` : line
  return short.replaceAll(/[[\]<>`*_!|\\]/g, String.raw`\$&`)
}
