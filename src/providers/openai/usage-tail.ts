import { parseJson } from '../read-reply.ts'
import { usageOf } from './answer-facts.ts'

/** Most bytes of the end of an answer that are looked through. */
const KEPT = { stream: 8 * 1024, json: 64 * 1024 }

/**
 * Finds the count of tokens in a chat answer that is passed on unread: it stands at its end, so only the last bytes are held.
 * A stream has one only where the client asked for it (`stream_options`).
 */
export class UsageTail {
  readonly #most: number
  readonly #chunks: Uint8Array[] = []
  #length = 0

  constructor(isStream: boolean) {
    this.#most = isStream ? KEPT.stream : KEPT.json
  }

  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    for (
      let first = this.#chunks[0];
      first && this.#length - first.length >= this.#most;
      first = this.#chunks[0]
    ) {
      this.#chunks.shift()
      this.#length -= first.length
    }
  }

  /** The count in the names of the images API; undefined where there is none (yet). */
  read(): Readonly<Record<string, unknown>> | undefined {
    const text = Buffer.concat(this.#chunks).toString('latin1')
    const start = [...text.matchAll(/"usage"\s*:\s*(?=\{)/g)].at(-1)
    if (start === undefined) return undefined
    const usage = parseJson(objectAt(text, start.index + start[0].length))
    for (const event of usageOf({ usage })) if (event.type === 'usage') return event.usage
    return undefined
  }
}

/** The object that begins at `from`, to its last bracket; counts have no brackets in their texts. */
function objectAt(text: string, from: number): string {
  let depth = 0
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1
    else if (text[at] === '}') depth -= 1
    if (depth === 0) return text.slice(from, at + 1)
  }
  return ''
}
