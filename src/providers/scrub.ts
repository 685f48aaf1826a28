/** Long enough to understand, short enough for a log line. */
const MAX_LENGTH = 300

/** What an upstream said, fit to be shown: one line of plain text without keys, tags and payloads. */
export function scrub(text: string, secret: string): string {
  const title = /<title[^>]*>([^<]*)</i.exec(text)?.[1]
  const line = (
    title === undefined ? text.replaceAll(/<[^>]*>/g, ' ') : `a web page titled "${title.trim()}"`
  )
    .replaceAll(secret === '' ? NEVER : secret, '***')
    .replaceAll(KEYS, '***')
    .replaceAll(PAYLOADS, '…')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH - 1)}…` : line
}

const NEVER = /(?!)/g
/** Keys as OpenAI, xAI, Google and OpenRouter write them, also when the upstream masked the middle. */
const KEYS = /\b(sk|xai|AIza|key)[-_]?[\w*-]{12,}|Bearer\s+\S+/g
const PAYLOADS = /(data:[\w/+.-]+;base64,)?[A-Za-z0-9+/]{200,}={0,2}/g
