import { createHash } from 'node:crypto'
import type { RecordedRequest } from './recorded-request.ts'

/** What the fake says the English of a prompt is; tells by itself which prompt it was, and whether it was enhanced. */
export function translationOf(prompt: string, enhanced = false): string {
  const mark = createHash('sha256').update(prompt).digest('hex').slice(0, 8)
  return `the English of prompt ${mark}${enhanced ? ', in vivid colours' : ''}`
}

/** The translation that a chat call asks for, found in its messages. */
export function translate({ body }: RecordedRequest): string {
  const messages: { role?: unknown; content?: unknown }[] = Array.isArray(body.messages) ? body.messages : []
  const said = (role: string) => String(messages.find((message) => message.role === role)?.content)
  return translationOf(said('user'), /vivid/.test(said('system')))
}
