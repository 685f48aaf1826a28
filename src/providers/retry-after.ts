/** Nobody waits longer than this for a turn; a header that says so is a mistake. */
const MAX_SECONDS = 24 * 60 * 60

/** Seconds until the upstream wants to be asked again, from its headers or else its words. */
export function retryAfter(headers: Readonly<Record<string, string>>, message: string): number | undefined {
  const seconds =
    milliseconds(headers['retry-after-ms']) ??
    secondsOrDate(headers['retry-after']) ??
    spentLimit(headers) ??
    duration(/(?:try again|retry) in (\S+)/i.exec(message)?.[1])
  return seconds === undefined ? undefined : Math.min(Math.ceil(seconds), MAX_SECONDS)
}

function milliseconds(text: string | undefined): number | undefined {
  const value = Number(text ?? Number.NaN)
  return value >= 0 ? value / 1000 : undefined
}

/** RFC 9110 §10.2.3. */
function secondsOrDate(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, (date - Date.now()) / 1000)
}

/** OpenAI's `x-ratelimit-remaining-*` and `-reset-*`, for requests, tokens or images: the limit that is used up counts. */
function spentLimit(headers: Readonly<Record<string, string>>): number | undefined {
  const resets = Object.keys(headers)
    .filter((name) => name.startsWith('x-ratelimit-remaining') && headers[name] === '0')
    .map((name) => duration(headers[name.replace('remaining', 'reset')]))
    .filter((seconds) => seconds !== undefined)
  return resets.length === 0 ? undefined : Math.max(...resets)
}

/** `1h2m3.5s`, `250ms`, or plain seconds. */
function duration(text: string | undefined): number | undefined {
  const parts = [...(text ?? '').matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|$)/g)]
  if (parts.length === 0) return undefined
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (SECONDS[unit ?? ''] ?? 1), 0)
}

const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 }
