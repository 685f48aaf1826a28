import { BytesError } from './bytes-error.ts'

/** What the bytes of an event stream say, in order. */
export type LinePart =
  /** A `data` line begins. */
  | { type: 'data-start' }
  /** Some of the value of a `data` line, never with a line end in it. */
  | { type: 'data'; bytes: Buffer }
  | { type: 'field'; name: string; value: string }
  /** A blank line: the event is over. */
  | { type: 'end' }

const LF = 0x0a
const CR = 0x0d
const BOM = '\xef\xbb\xbf'
const DATA = 'data:'

/** As many characters as tell a line of data, with its optional space, from any other. */
const TELLING = DATA.length + 1

/** Longest line that is not data; those of sane servers have some letters. */
const LONGEST_FIELD = 64 * 1024

/**
 * Takes an event stream apart into lines that end in LF, CR or CRLF, without ever holding a line of data.
 */
export class EventLines {
  /** The beginning of a line of which the field is not known yet, or a line that is not data; a character per byte. */
  #line = ''
  #inData = false
  #isFirstLine = true
  #isAfterCarriageReturn = false;

  *push(bytes: Buffer): Generator<LinePart> {
    let at = this.#isAfterCarriageReturn && bytes[0] === LF ? 1 : 0
    let feed = find(bytes, LF, at)
    let carriage = find(bytes, CR, at)
    this.#isAfterCarriageReturn = bytes.length === 0 && this.#isAfterCarriageReturn
    while (at < bytes.length) {
      if (feed < at) feed = find(bytes, LF, at)
      if (carriage < at) carriage = find(bytes, CR, at)
      const end = Math.min(feed, carriage)
      if (end > at) yield* this.#take(bytes.subarray(at, end))
      if (end === bytes.length) return
      yield* this.#endLine()
      this.#isAfterCarriageReturn = end === carriage && end + 1 === bytes.length
      at = end + (end === carriage && feed === end + 1 ? 2 : 1)
    }
  }

  /** The last line, where it lacks its end. */
  *end(): Generator<LinePart> {
    if (this.#line !== '') yield* this.#endLine()
  }

  *#take(bytes: Buffer): Generator<LinePart> {
    if (this.#inData) {
      yield { type: 'data', bytes }
      return
    }
    const begun = bytes.subarray(0, BOM.length + TELLING)
    this.#line += begun.toString('latin1')
    this.#dropMark()
    if (this.#line.startsWith(DATA) && this.#line.length >= TELLING) {
      const value = this.#line.slice(this.#line[DATA.length] === ' ' ? TELLING : DATA.length)
      this.#line = ''
      this.#inData = true
      yield { type: 'data-start' }
      if (value !== '') yield { type: 'data', bytes: Buffer.from(value, 'latin1') }
      if (bytes.length > begun.length) yield { type: 'data', bytes: bytes.subarray(begun.length) }
      return
    }
    this.#line += bytes.toString('latin1', begun.length)
    if (this.#line.length > LONGEST_FIELD)
      throw new BytesError('too_large', 'a line of the event stream is too long')
  }

  *#endLine(): Generator<LinePart> {
    const line = Buffer.from(this.#line, 'latin1').toString('utf8')
    const wasData = this.#inData
    this.#line = ''
    this.#inData = false
    this.#isFirstLine = false
    if (wasData) return
    const colon = line.indexOf(':')
    const name = colon === -1 ? line : line.slice(0, colon)
    if (line === '') yield { type: 'end' }
    else if (name === 'data') yield { type: 'data-start' }
    else if (name !== '') yield { type: 'field', name, value: line.slice(name.length + 1).replace(/^ /, '') }
  }

  #dropMark(): void {
    if (!this.#isFirstLine || !this.#line.startsWith(BOM)) return
    this.#line = this.#line.slice(BOM.length)
    this.#isFirstLine = false
  }
}

/** Where the byte is, or behind the end. */
function find(bytes: Buffer, byte: number, from: number): number {
  const at = bytes.indexOf(byte, from)
  return at === -1 ? bytes.length : at
}
