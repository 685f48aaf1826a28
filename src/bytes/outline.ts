import { BytesError } from './bytes-error.ts'
import { explainJsonError } from './explain-json-error.ts'
import { Spooled, SpooledText } from './spooled.ts'

/** Enough for an event of a chat. */
const FIRST_BYTES = 1024

/** The beginning of a picture is text until it is known for one. */
const SLACK = 32 * 1024

/** A picture that was taken out of a text. */
export interface TakenPicture {
  /** Its file, as soon as that is finished. */
  spooled: Promise<Spooled>
  /** It must be a string of its own: bare base64 cannot be told from the text around it. */
  alone: boolean
  /** Where in the body it ended. */
  end: number
}

/**
 * A text without its pictures. Where one stood, there is a mark that nobody can have known beforehand,
 * so that `JSON.parse` does the parsing and the pictures are put back afterwards.
 */
export class Outline {
  readonly #limit: number
  readonly #secret = crypto.randomUUID()
  readonly #pictures: TakenPicture[] = []
  /** How much further than in the outline things are in the body, from a position of the outline on. */
  readonly #shifts: { from: number; by: number }[] = []
  #bytes = Buffer.allocUnsafe(FIRST_BYTES)
  #length = 0

  /** @param limit most bytes of text, pictures not counted */
  constructor(limit: number) {
    this.#limit = limit
  }

  get length(): number {
    return this.#length
  }

  append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length
    if (length > this.#limit + SLACK) throw this.#tooLarge()
    if (length > this.#bytes.length) this.#grow(length)
    this.#bytes.set(bytes, this.#length)
    this.#length = length
  }

  /** What is there so far from `start` on; valid until the next change. */
  view(start: number): Buffer {
    return this.#bytes.subarray(start, this.#length)
  }

  truncate(length: number): void {
    this.#length = length
  }

  /** Puts a mark for a picture. */
  mark(picture: TakenPicture): void {
    picture.spooled.catch(() => undefined)
    this.append(Buffer.from(`${this.#secret}${this.#pictures.length};`))
    this.#pictures.push(picture)
    this.#shifts.push({ from: this.#length, by: picture.end - this.#length })
  }

  /** The text as JSON, with pictures. Throws {@link BytesError} when it is not JSON. */
  async parse(): Promise<unknown> {
    const text = this.#text()
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      throw explainJsonError(text, error, (position) => this.#bodyOffset(position))
    }
    if (this.#pictures.length === 0) return value
    const spooled = await Promise.all(this.#pictures.map((picture) => picture.spooled))
    return replaceStrings(value, this.#secret, (marked) => this.#restore(marked, spooled))
  }

  /** The text as it is, with pictures. */
  async read(): Promise<string | Spooled | SpooledText> {
    const spooled = await Promise.all(this.#pictures.map((picture) => picture.spooled))
    return this.#restore(this.#text(), spooled)
  }

  #text(): string {
    if (this.#length > this.#limit) throw this.#tooLarge()
    return this.view(0)
      .toString('utf8')
      .replace(/^\ufeff/, '')
  }

  /** A string with marks as what it was. */
  #restore(marked: string, spooled: readonly Spooled[]): string | Spooled | SpooledText {
    const [before = '', ...pieces] = marked.split(this.#secret)
    if (pieces.length === 0) return marked
    const parts: (string | Spooled)[] = [before]
    for (const piece of pieces) {
      const length = piece.indexOf(';')
      const picture = spooled[Number(piece.slice(0, length))]
      if (picture !== undefined) parts.push(picture, piece.slice(length + 1))
    }
    const [only, ...others] = parts.filter((part) => typeof part !== 'string' || part.trim() !== '')
    if (only instanceof Spooled && others.length === 0) return only
    const broken = this.#pictures.find(({ alone }, index) => alone && parts.includes(spooled[index] ?? ''))
    if (broken === undefined) return new SpooledText(parts.filter((part) => part !== ''))
    throw new BytesError('invalid_base64', 'something follows the end of the base64', { offset: broken.end })
  }

  #bodyOffset(position: number): number {
    const shift = this.#shifts.findLast(({ from }) => from <= position)
    return position + (shift?.by ?? 0)
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length))
    larger.set(this.view(0))
    this.#bytes = larger
  }

  #tooLarge(): BytesError {
    return new BytesError('too_large', `it holds more than ${this.#limit} bytes of text`)
  }
}

/** Replaces the strings that hold `needle`, in place. Without recursion: JSON may be nested deeper than the stack is. */
function replaceStrings(root: unknown, needle: string, replace: (text: string) => unknown): unknown {
  const holder = [root]
  const left: object[] = [holder]
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    for (const [key, value] of Object.entries(node)) {
      if (key.includes(needle)) throw new BytesError('invalid_json', 'a name in an object is a picture')
      if (typeof value === 'object' && value !== null) left.push(value)
      else if (typeof value === 'string' && value.includes(needle)) Reflect.set(node, key, replace(value))
    }
  }
  return holder[0]
}
