import { BytesError } from './bytes-error.ts'
import type { SpoolWriter } from './spool-writer.ts'

const QUOTE = 0x22
const EQUALS = 0x3d

/** Native decoding takes this many characters at a time. */
const PIECE = 64 * 1024

/** What a run may be made of, as raw bytes within a JSON string. */
const TOKEN = /[\w+/-]+|\\\/|\\u[0-9a-f]{4}|[ \t\r\n]+|\\[nrt]/iy
const PADDING = /(?:=|\\u003d)+/iy
/** An escape that the end of a chunk has cut. */
const CUT_ESCAPE = /\\(?:u[0-9a-f]{0,3})?$/iy
const COMMON_SPACE = /\\[nr]|[\r\n]+/g
const CLEAN = /^[\w+/-]*$/

/**
 * How much a run may hold besides base64.
 * - `whole`: a string that is nothing but base64; white space is skipped, anything else is an error.
 * - `inside`: base64 in a longer text; whatever is not base64 ends it.
 */
export type RunKind = 'whole' | 'inside'

/**
 * Decodes the base64 within a JSON string from raw body bytes into a spool file.
 * Clean stretches go through native code 64 KiB at a time; escapes, white space and the end take a slower way.
 */
export class Base64Run {
  readonly #writer: SpoolWriter
  readonly #kind: RunKind
  /** Clean characters of a group that is not full yet. */
  #group = ''
  #cutEscape = ''
  #padded = false

  constructor(writer: SpoolWriter, kind: RunKind) {
    this.#writer = writer
    this.#kind = kind
  }

  /**
   * Takes bytes. Returns those that follow the run, or undefined when all were taken and more may come.
   * @param offset where in the body `bytes` begin
   */
  push(bytes: Buffer, offset: number): Buffer | undefined {
    const quote = bytes.indexOf(QUOTE)
    const end = quote === -1 ? bytes.length : quote
    const clean = this.#cutEscape === '' && !this.#padded ? this.#takeClean(bytes, end, quote !== -1) : 0
    if (clean === end && this.#cutEscape === '') return quote === -1 ? undefined : bytes.subarray(quote)
    const cut = Buffer.from(this.#cutEscape, 'latin1')
    const mixed = this.#cutEscape + bytes.toString('latin1', clean, end)
    const taken = this.#takeMixed(mixed, quote !== -1, offset + clean - cut.length)
    if (taken === mixed.length) return quote === -1 ? undefined : bytes.subarray(quote)
    return taken < cut.length
      ? Buffer.concat([cut.subarray(taken), bytes])
      : bytes.subarray(clean + taken - cut.length)
  }

  /** The characters of the last group, where it is not full. */
  get loose(): string {
    return this.#group
  }

  /** Takes the last group, which may lack its padding. @param offset where in the body the run ended */
  end(offset: number): void {
    if (this.#group.length === 1)
      throw new BytesError('invalid_base64', 'the base64 lacks characters at its end', { offset })
    this.#writer.writeBase64(this.#group)
  }

  /** How far `bytes` are plain base64, decoded. `last`: a quote follows, so that the padding may stand before it. */
  #takeClean(bytes: Buffer, end: number, last: boolean): number {
    let unpadded = end
    while (last && unpadded > 0 && bytes[unpadded - 1] === EQUALS) unpadded -= 1
    for (let position = 0; position < unpadded; position += PIECE) {
      const piece = bytes.toString('latin1', position, Math.min(unpadded, position + PIECE))
      const taken = this.#decode(piece)
      if (taken < piece.length) return position + taken
    }
    return end
  }

  /** As far as `text` belongs to the run, escapes and white space included. */
  #takeMixed(text: string, last: boolean, offset: number): number {
    const simple = this.#withoutCommon(text)
    if (!this.#padded && CLEAN.test(simple)) {
      this.#cutEscape = ''
      this.#decode(simple)
      return text.length
    }
    let at = 0
    let clean = ''
    while (at < text.length && !this.#padded) {
      const token = match(TOKEN, text, at)
      const characters = this.#meaning(token)
      if (characters === undefined) break
      clean += characters
      at += token.length
    }
    this.#decode(clean)
    const padding = match(PADDING, text, at)
    this.#padded ||= padding !== ''
    at += padding.length
    this.#cutEscape = last ? '' : match(CUT_ESCAPE, text, at)
    at += this.#cutEscape.length
    if (at < text.length && this.#kind === 'whole' && !this.#padded) {
      throw new BytesError('invalid_base64', 'there is a character that is not base64', {
        offset: offset + at,
      })
    }
    return at
  }

  /** Undoes at once what some serialisers do to all base64: escaped slashes, lines of 76 characters. */
  #withoutCommon(text: string): string {
    const unescaped = text.replaceAll('\\/', '/')
    return this.#kind === 'whole' ? unescaped.replaceAll(COMMON_SPACE, '') : unescaped
  }

  /** The base64 characters that a token stands for, none for white space; undefined when it is not part of the run. */
  #meaning(token: string): string | undefined {
    if (token === '') return undefined
    const code = token.startsWith('\\u') ? String.fromCharCode(Number.parseInt(token.slice(2), 16)) : token
    const text = code === '\\/' ? '/' : code
    if (CLEAN.test(text)) return text
    return this.#kind === 'whole' && /^(?:\s+|\\[nrt])$/.test(text) ? '' : undefined
  }

  /** Decodes clean characters. How many were taken: fewer than all when something else is among the others. */
  #decode(text: string): number {
    const missing = this.#group === '' ? 0 : 4 - this.#group.length
    const first = this.#group + text.slice(0, missing)
    if (first.length > 0 && first.length < 4) return this.#keep(first) ? text.length : 0
    if (first.length === 4 && !this.#writer.writeBase64(first)) return 0
    this.#group = ''
    const groups = missing + ((text.length - missing) & ~3)
    if (!this.#writer.writeBase64(text.slice(missing, groups))) return missing
    return this.#keep(text.slice(groups)) ? text.length : groups
  }

  #keep(group: string): boolean {
    if (!CLEAN.test(group)) return false
    this.#group = group
    return true
  }
}

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}
