import { Base64Run } from './base64-run.ts'
import { LONG } from './find-picture.ts'
import { readBase64 } from './read-base64.ts'
import { sniffType } from './sniff.ts'
import type { Spool, SpoolWriter } from './spool.ts'
import { spoolBase64 } from './spool-base64.ts'
import { Spooled, type SpooledText } from './spooled.ts'

const DATA_URL = /data:image\/[\w.+-]{1,40}(?:;[\w.+=-]{1,60})*;base64,/i
/** What could become a data URL when more text comes. */
const BEGUN = /(?:d|da|dat|data|data:|data:i|data:im|data:ima|data:imag|data:image)$/i
const BEGUN_TYPE = /data:image\/[\w.+-]{0,40}(?:;[\w.+=-]{0,60})*$/i
const BASE64 = /^[\w+/-]*=*/
const PADDING = /^=*/

/** Bytes whose base64 is decoded at once. */
const PIECE = 48 * 1024

/** Text that comes in pieces; what is ready comes out at once. */
export interface DeltaText {
  /** Whether something is held back. */
  readonly isHolding: boolean
  push(piece: string | Spooled | SpooledText): Promise<(string | Spooled)[]>
  /** What was held back, when nothing more will come. */
  end(): Promise<(string | Spooled)[]>
}

/**
 * Finds data URLs of pictures in a text that comes in many small pieces, such as the deltas of a chat,
 * and spools them as they come. Everything else comes out at once but for what may be the beginning of one.
 * A short data URL that holds no whole picture, as in an explanation of data URLs, is text like any other.
 */
export function createDeltaText(spool: Spool): DeltaText {
  let held = ''
  /** A data URL that is short so far. */
  let short: { prefix: string; base64: string } | undefined
  let long: { run: Base64Run; writer: SpoolWriter; prefix: string } | undefined

  async function pushText(text: string): Promise<(string | Spooled)[]> {
    const out: (string | Spooled)[] = []
    for (let rest = text; rest !== ''; ) {
      if (long !== undefined) rest = await pushLong(long, rest, out)
      else if (short !== undefined) rest = await pushShort(short, rest, out)
      else rest = search(rest, out)
    }
    return out
  }

  function search(text: string, out: (string | Spooled)[]): string {
    const known = held + text
    const found = DATA_URL.exec(known)
    const begun = found ?? BEGUN.exec(known) ?? BEGUN_TYPE.exec(known)
    const before = begun === null ? known : known.slice(0, begun.index)
    if (before !== '') out.push(before)
    held = found === null && begun !== null ? begun[0] : ''
    if (found === null) return ''
    short = { prefix: found[0], base64: '' }
    return known.slice(found.index + found[0].length)
  }

  async function pushShort(
    current: { prefix: string; base64: string },
    text: string,
    out: (string | Spooled)[],
  ): Promise<string> {
    const taken = (current.base64.endsWith('=') ? PADDING : BASE64).exec(text)?.[0] ?? ''
    current.base64 += taken
    if (taken.length < text.length) out.push(await endShort(current))
    else if (current.base64.length > LONG) await startLong(current)
    return text.slice(taken.length)
  }

  async function endShort({ prefix, base64 }: { prefix: string; base64: string }): Promise<string | Spooled> {
    short = undefined
    const text = prefix + base64
    if (base64.length % 4 === 1 || sniffType(Buffer.from(base64.slice(0, 64), 'base64')) === undefined)
      return text
    const picture = await spoolBase64(text, spool)
    return picture.width !== undefined && picture.complete ? picture : text
  }

  async function startLong({ prefix, base64 }: { prefix: string; base64: string }): Promise<void> {
    short = undefined
    const writer = spool.writer()
    long = { run: new Base64Run(writer, 'inside'), writer, prefix }
    await pushLong(long, base64, [])
  }

  async function pushLong(
    { run, writer }: { run: Base64Run; writer: SpoolWriter },
    text: string,
    out: (string | Spooled)[],
  ): Promise<string> {
    const rest = run.push(Buffer.from(text), 0)
    await writer.drain()
    if (rest !== undefined) out.push(...(await endLong()))
    return rest?.toString('utf8') ?? ''
  }

  async function endLong(): Promise<Spooled[]> {
    if (long === undefined) return []
    const { run, writer, prefix } = long
    long = undefined
    run.end(writer.bytes)
    return [await writer.finish(prefix)]
  }

  /** A picture that was cut is written once more, for as long as base64 follows. */
  async function goOn(picture: Spooled): Promise<void> {
    const { bytes, loose, prefix } = picture
    const writer = spool.writer()
    long = { run: new Base64Run(writer, 'inside'), writer, prefix }
    const groups = new Spooled({ ...picture, bytes: bytes - Math.floor((loose.length * 3) / 4) })
    for await (const base64 of readBase64(groups, PIECE)) {
      writer.writeBase64(base64)
      await writer.drain()
    }
    await pushLong(long, loose, [])
  }

  async function end(): Promise<(string | Spooled)[]> {
    const left = held === '' ? [] : [held]
    held = ''
    return [...left, ...(short === undefined ? [] : [await endShort(short)]), ...(await endLong())]
  }

  return {
    get isHolding() {
      return held !== '' || short !== undefined || long !== undefined
    },
    async push(piece) {
      if (typeof piece === 'string') return await pushText(piece)
      const parts = piece instanceof Spooled ? [piece] : piece.parts
      const out: (string | Spooled)[] = []
      for (const part of parts) {
        if (typeof part === 'string') out.push(...(await pushText(part)))
        else if (part !== parts.at(-1) || !mayGoOn(part)) out.push(...(await end()), part)
        else {
          out.push(...(await end()))
          await goOn(part)
        }
      }
      return out
    },
    end,
  }
}

/** Whether the end of a text has cut a picture. */
function mayGoOn(picture: Spooled): boolean {
  return picture.prefix !== '' && picture.mime !== undefined && !picture.complete
}
