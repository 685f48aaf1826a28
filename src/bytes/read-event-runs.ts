import { BlankLines } from './blank-lines.ts'
import { cut } from './chunks.ts'
import { EventData, type ServerEvent } from './event-data.ts'
import { EventLines } from './event-lines.ts'
import type { ScanOptions } from './json-scanner.ts'

/** Some events of a `text/event-stream`. */
export type EventRun =
  /**
   * Whole events one after the other, blank lines included, as they came; each is shorter than {@link LONG_EVENT}.
   * `isCut`: the stream ended within the last, which was given a blank line.
   */
  | { type: 'raw'; bytes: Buffer; isCut: boolean }
  /** One event that was too long to be held; its pictures are in files. */
  | { type: 'parsed'; event: ServerEvent }

/** Longer events, in bytes, are parsed as they come. */
export const LONG_EVENT = 64 * 1024

const BLANK_LINE = Buffer.from('\n\n')

/**
 * Reads server-sent events for someone who passes on most of them as they are: what a chunk holds of whole events comes
 * out at once and is not copied. Throws as `readEvents` does.
 */
export async function* readEventRuns(
  stream: AsyncIterable<Uint8Array>,
  options: ScanOptions,
): AsyncGenerator<EventRun, void> {
  const ends = new BlankLines()
  let begun: BegunEvent | undefined
  try {
    for await (const chunk of stream) {
      for (const piece of cut(chunk)) {
        let at = 0
        if (begun !== undefined) {
          const end = ends.find(piece)
          at = end === -1 ? piece.length : end
          const wait = begun.push(piece.subarray(0, at))
          if (wait !== undefined) await wait
          if (end === -1) continue
          const run = await begun.end(false)
          begun = undefined
          if (run !== undefined) yield run
        }
        const last = ends.findLast(piece, at)
        if (last > at) yield { type: 'raw', bytes: piece.subarray(at, last), isCut: false }
        if (last === piece.length) continue
        begun = new BegunEvent(options)
        begun.push(piece.subarray(last))
      }
    }
    const run = await begun?.end(true)
    if (run !== undefined) yield run
  } finally {
    await begun?.abort()
  }
}

/** Where the event of a raw run ends that begins at `from`. */
export function endOfEvent(run: Buffer, from: number): number {
  const end = new BlankLines().find(run, from)
  return end === -1 ? run.length : end
}

/** An event of which the end is not there yet: held while it is short, parsed as it comes from then on. */
class BegunEvent {
  readonly #options: ScanOptions
  #pieces: Buffer[] = []
  #length = 0
  #parsing: { lines: EventLines; data: EventData } | undefined

  constructor(options: ScanOptions) {
    this.#options = options
  }

  /** A promise only when the caller must wait for the disk. */
  push(piece: Buffer): Promise<unknown> | undefined {
    this.#length += piece.length
    if (this.#parsing === undefined && this.#length < LONG_EVENT) {
      // A copy, since a few bytes would hold on to a whole chunk.
      this.#pieces.push(Buffer.from(piece))
      return undefined
    }
    this.#parsing ??= { lines: new EventLines(), data: new EventData(this.#options) }
    const { lines, data } = this.#parsing
    const waits: Promise<unknown>[] = []
    for (const bytes of [...this.#pieces.splice(0), piece]) {
      for (const part of lines.push(bytes)) {
        const wait = part.type === 'end' ? undefined : data.take(part)
        if (wait !== undefined) waits.push(wait)
      }
    }
    return waits.length === 0 ? undefined : Promise.all(waits)
  }

  /** `last`: the stream is over. */
  async end(last: boolean): Promise<EventRun | undefined> {
    if (this.#parsing === undefined) {
      const bytes = Buffer.concat(last ? [...this.#pieces, BLANK_LINE] : this.#pieces)
      return { type: 'raw', bytes, isCut: last }
    }
    const { lines, data } = this.#parsing
    if (last) for (const part of lines.end()) data.take(part)
    const event = await data.end(last)
    return event && { type: 'parsed', event }
  }

  async abort(): Promise<void> {
    await this.#parsing?.data.abort()
  }
}
