import { cut } from './chunks.ts'
import { EventData, type ServerEvent } from './event-data.ts'
import { EventLines } from './event-lines.ts'
import type { ScanOptions } from './json-scanner.ts'

export type { ServerEvent } from './event-data.ts'

export type ReadEventsOptions = ScanOptions

/**
 * Reads server-sent events as they arrive (WHATWG HTML, 9.2.6), pictures in their data going to files meanwhile.
 * More lenient than the standard in one thing: the last event may lack its blank line.
 *
 * Throws `BytesError` as `readJson` does, except that data which is no JSON is a text.
 */
export async function* readEvents(
  stream: AsyncIterable<Uint8Array>,
  options: ReadEventsOptions,
): AsyncGenerator<ServerEvent, void> {
  const lines = new EventLines()
  let current = new EventData(options)
  try {
    for await (const chunk of stream) {
      for (const part of cut(chunk).flatMap((piece) => [...lines.push(piece)])) {
        if (part.type !== 'end') {
          const wait = current.take(part)
          if (wait !== undefined) await wait
          continue
        }
        const event = await current.end(false)
        current = new EventData(options)
        if (event !== undefined) yield event
      }
    }
    for (const part of lines.end()) current.take(part)
    const event = await current.end(true)
    if (event !== undefined) yield event
  } finally {
    await current.abort()
  }
}
