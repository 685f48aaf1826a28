import { BytesError } from './bytes-error.ts'
import type { LinePart } from './event-lines.ts'
import { JsonScanner, type ScanOptions } from './json-scanner.ts'

/** One event of a `text/event-stream`. */
export interface ServerEvent {
  event: string | undefined
  /** Parsed when it is JSON, with pictures as `readJson` has them; else the text, such as `[DONE]`. */
  data: unknown
  id?: string
}

const NEWLINE = Buffer.from('\n')

/** Collects one event. */
export class EventData {
  readonly #options: ScanOptions
  #scanner: JsonScanner | undefined
  #lines = 0
  #event: string | undefined
  #id: string | undefined

  constructor(options: ScanOptions) {
    this.#options = options
  }

  /** A promise only when the caller must wait for the disk. */
  take(part: LinePart): Promise<unknown> | undefined {
    if (part.type === 'data') return this.#scanner?.push(part.bytes)
    if (part.type === 'data-start') this.#startLine()
    else if (part.type === 'field' && part.name === 'event') this.#event = part.value
    else if (part.type === 'field' && part.name === 'id') this.#id = part.value
    return undefined
  }

  /** The event; undefined when it has no data. `last`: the stream ended, maybe in the middle. */
  async end(last: boolean): Promise<ServerEvent | undefined> {
    if (this.#scanner === undefined) return undefined
    const data = await this.#parse(this.#scanner, last)
    return { event: this.#event, data, ...(this.#id === undefined ? {} : { id: this.#id }) }
  }

  async abort(): Promise<void> {
    await this.#scanner?.abort()
  }

  #startLine(): void {
    this.#scanner ??= new JsonScanner(this.#options)
    // No JSON string holds a line end: where one is folded over several lines, nothing must be put in.
    if (this.#lines > 0 && !this.#scanner.isInString) this.#scanner.push(NEWLINE)
    this.#lines += 1
  }

  async #parse(scanner: JsonScanner, last: boolean): Promise<unknown> {
    const outline = scanner.end()
    try {
      return await outline.parse()
    } catch (error) {
      if (!(error instanceof BytesError)) throw error
      const isJson = error.kind === 'truncated' ? !last : error.kind === 'invalid_json'
      if (!isJson) throw error
      return await outline.read()
    }
  }
}
