import { BytesError } from './bytes-error.ts'
import { cut } from './chunks.ts'
import { JsonScanner, type ScanOptions } from './json-scanner.ts'

/** A JSON message, or why it is none. */
export type Message = { value: unknown } | { flaw: BytesError }

/**
 * Reads JSON messages that follow each other on one connection, each in pieces, as `readJson` reads one body. A message
 * that cannot be read spoils only itself; what throws is our own fault, such as a full disk.
 */
export class MessageReader {
  readonly #options: ScanOptions
  #scanner: JsonScanner | undefined
  /** What is wrong with the message whose rest is still to come. */
  #flaw: BytesError | undefined

  constructor(options: ScanOptions) {
    this.#options = options
  }

  /** Takes a piece. The message, when it was the last one. @param ends whether it was */
  async push(bytes: Uint8Array, ends: boolean): Promise<Message | undefined> {
    try {
      if (this.#flaw === undefined) await this.#scan(bytes)
      if (!ends) return undefined
      return this.#flaw === undefined ? { value: await this.#end() } : { flaw: this.#flaw }
    } catch (error) {
      await this.abort()
      if (!(error instanceof BytesError)) throw error
      this.#flaw = error
      return ends ? { flaw: error } : undefined
    } finally {
      if (ends) this.#flaw = undefined
    }
  }

  /** Gives up the message that has begun. */
  async abort(): Promise<void> {
    const scanner = this.#scanner
    this.#scanner = undefined
    await scanner?.abort()
  }

  async #scan(bytes: Uint8Array): Promise<void> {
    this.#scanner ??= new JsonScanner(this.#options)
    for (const piece of cut(bytes)) {
      const wait = this.#scanner.push(piece)
      if (wait !== undefined) await wait
    }
  }

  async #end(): Promise<unknown> {
    const scanner = this.#scanner ?? new JsonScanner(this.#options)
    const value = await scanner.end().parse()
    this.#scanner = undefined
    return value
  }
}
