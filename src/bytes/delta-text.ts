import { Base64Run } from './base64-run.ts'
import type { Spool, SpoolWriter } from './spool.ts'
import { Spooled, type SpooledText } from './spooled.ts'

const DATA_URL = /data:image\/[\w.+-]{1,40}(?:;[\w.+=-]{1,60})*;base64,/i
/** What could become a data URL when more text comes. */
const BEGUN = /(?:d|da|dat|data|data:[\w/.+;=-]{0,200})$/i

/** Text that comes in pieces; what is ready comes out at once. */
export interface DeltaText {
  push(piece: string | Spooled | SpooledText): Promise<(string | Spooled)[]>
  /** What was held back, when nothing more will come. */
  end(): Promise<(string | Spooled)[]>
}

/**
 * Finds data URLs of pictures in a text that comes in many small pieces, such as the deltas of a chat,
 * and spools them as they come. Everything else comes out at once but for what may be the beginning of one.
 */
export function createDeltaText(spool: Spool): DeltaText {
  let held = ''
  let picture: { run: Base64Run; writer: SpoolWriter; prefix: string } | undefined

  async function finish(): Promise<Spooled[]> {
    if (picture === undefined) return []
    const { run, writer, prefix } = picture
    picture = undefined
    run.end(writer.bytes)
    return [await writer.finish(prefix)]
  }

  async function pushText(text: string): Promise<(string | Spooled)[]> {
    if (picture !== undefined) {
      const rest = picture.run.push(Buffer.from(text), 0)
      await picture.writer.drain()
      return rest === undefined ? [] : [...(await finish()), ...(await pushText(rest.toString('utf8')))]
    }
    const known = held + text
    const found = DATA_URL.exec(known)
    if (found === null) {
      held = BEGUN.exec(known)?.[0] ?? ''
      return words(known.slice(0, known.length - held.length))
    }
    held = ''
    const writer = spool.writer()
    picture = { run: new Base64Run(writer, 'inside'), writer, prefix: found[0] }
    const before = words(known.slice(0, found.index))
    return [...before, ...(await pushText(known.slice(found.index + found[0].length)))]
  }

  async function flush(): Promise<(string | Spooled)[]> {
    const left = words(held)
    held = ''
    return [...(await finish()), ...left]
  }

  return {
    async push(piece) {
      if (typeof piece === 'string') return await pushText(piece)
      const parts = piece instanceof Spooled ? [piece] : piece.parts
      const out = await flush()
      for (const part of parts) out.push(...(typeof part === 'string' ? await pushText(part) : [part]))
      return out
    },
    end: flush,
  }
}

function words(text: string): string[] {
  return text === '' ? [] : [text]
}
