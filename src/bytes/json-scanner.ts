import { Base64Run } from './base64-run.ts'
import { BytesError } from './bytes-error.ts'
import { findBarePicture, findDataUrl, LONG, type PictureStart } from './find-picture.ts'
import { Outline } from './outline.ts'
import type { Spool, SpoolWriter } from './spool.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Text is looked at in steps of this length, so that little of a picture is copied before it is known for one. */
const STEP = LONG + 4096

export interface ScanOptions {
  /** Where pictures go. */
  spool: Spool
  /** Most bytes of everything that is not a picture; default 16 MiB. */
  maxText?: number | undefined
  /** Most decoded bytes of one picture. */
  maxPicture?: number | undefined
  /** Whether a string that is nothing but base64 of a picture is taken for one, too; default true. */
  bare?: boolean | undefined
  /** Whether a data URL may go on in another text, such as the next delta of a chat: see `createDeltaText`. */
  open?: boolean | undefined
}

/** A picture that is being decoded. */
interface CurrentPicture {
  start: PictureStart
  writer: SpoolWriter
  run: Base64Run
}

/**
 * Separates a JSON text that comes in chunks into its pictures, which go to files, and an outline of all the rest.
 * It knows only where strings begin and end: whether the rest is JSON is for {@link Outline.parse}.
 */
export class JsonScanner {
  readonly #options: ScanOptions
  readonly #outline: Outline
  #current: CurrentPicture | undefined
  /** Bytes of the body that were dealt with. */
  #offset = 0
  #inString = false
  /** Where in the outline to look on for quotes. */
  #scanned = 0
  /** Where the text begins that may hold a picture: behind the opening quote, or behind the last picture. */
  #textStart = 0
  /** Whether no picture stood in this string yet, and none is known not to be all of it. */
  #mayBeWhole = false
  /** From where in that text on data URLs were not looked for. */
  #searched = 0
  #finishing: Promise<unknown>[] = []

  constructor(options: ScanOptions) {
    this.#options = options
    this.#outline = new Outline(options.maxText ?? 16 * 1024 * 1024)
  }

  /** Whether the text so far ends within a string of an object or array. */
  get isInString(): boolean {
    const first = this.#outline.view(0).toString('latin1', 0, 1)
    return this.#inString && (first === '{' || first === '[')
  }

  /** Takes a chunk, at best of 64 KiB or less. A promise only when the caller must wait for the disk. */
  push(chunk: Buffer): Promise<unknown> | undefined {
    for (let rest: Buffer | undefined = chunk; rest !== undefined && rest.length > 0; ) {
      rest = this.#current === undefined ? this.#pushText(rest) : this.#pushPicture(rest, this.#current)
    }
    if (this.#finishing.length === 0) return this.#current?.writer.drain()
    return Promise.all(this.#finishing.splice(0))
  }

  /** The outline, when nothing more will come. */
  end(): Outline {
    if (this.#current === undefined) return this.#outline
    throw new BytesError('truncated', 'the JSON ends in the middle of a picture', { offset: this.#offset })
  }

  /** Gives up the picture that has begun. */
  async abort(): Promise<void> {
    await this.#current?.writer.abort()
  }

  /** Takes a step of text; what of the bytes is left then. */
  #pushText(bytes: Buffer): Buffer {
    const before = this.#outline.length
    const step = bytes.subarray(0, STEP)
    this.#outline.append(step)
    this.#offset += step.length
    const found = this.#scan()
    if (found === undefined) return bytes.subarray(STEP)
    const base64 = this.#textStart + found.base64
    const older = before - base64
    const rest =
      older <= 0
        ? bytes.subarray(-older)
        : Buffer.concat([this.#outline.view(base64).subarray(0, older), bytes])
    this.#offset -= this.#outline.length - base64
    this.#outline.truncate(this.#textStart + found.start)
    this.#startPicture(found)
    return rest
  }

  #startPicture(start: PictureStart): void {
    const writer = this.#options.spool.writer({ limit: this.#options.maxPicture })
    this.#current = { start, writer, run: new Base64Run(writer, start.kind) }
  }

  #pushPicture(bytes: Buffer, { start, writer, run }: CurrentPicture): Buffer | undefined {
    const rest = run.push(bytes, this.#offset)
    this.#offset += bytes.length - (rest?.length ?? 0)
    if (rest === undefined) return undefined
    const loose = this.#options.open === true && start.prefix !== '' ? run.loose : ''
    if (loose.length !== 1) run.end(this.#offset)
    const spooled = writer.finish(start.prefix, loose)
    this.#finishing.push(spooled)
    this.#outline.mark({ spooled, alone: start.prefix === '', end: this.#offset })
    this.#current = undefined
    this.#scanned = this.#outline.length
    this.#startText(false)
    return rest
  }

  /** Goes through the new part of the outline; stops at a picture. */
  #scan(): PictureStart | undefined {
    const outline = this.#outline.view(0)
    while (true) {
      const at = outline.indexOf(QUOTE, this.#scanned)
      const quote = at === -1 ? outline.length : at
      this.#scanned = Math.min(quote + 1, outline.length)
      if (this.#inString && quote - this.#textStart > LONG) {
        const found = this.#look(outline.subarray(this.#textStart, quote))
        if (found !== undefined) return found
      }
      if (at === -1) return undefined
      if (!this.#inString) this.#startText(true)
      this.#inString = !this.#inString || this.#isEscaped(outline, quote)
    }
  }

  #startText(mayBeWhole: boolean): void {
    this.#textStart = this.#scanned
    this.#mayBeWhole = mayBeWhole
    this.#searched = 0
  }

  #look(text: Buffer): PictureStart | undefined {
    const bare = this.#mayBeWhole && this.#options.bare !== false ? findBarePicture(text) : undefined
    this.#mayBeWhole = false
    const found = bare ?? findDataUrl(text, this.#searched)
    if (typeof found !== 'number') return found
    this.#searched = found
    return undefined
  }

  /** Whether an odd number of backslashes stands before a quote. */
  #isEscaped(outline: Buffer, quote: number): boolean {
    let at = quote
    while (at > this.#textStart && outline[at - 1] === BACKSLASH) at -= 1
    return (quote - at) % 2 === 1
  }
}
