import { createDeltaText } from '../../../bytes/delta-text.ts'
import type { Spool } from '../../../bytes/spool.ts'
import { Spooled, type SpooledText } from '../../../bytes/spooled.ts'

/**
 * How a picture stands in its text.
 * - `target`: as the target of a link or in quotes, so that only its URL may take its place.
 * - `inline`: among words. `alone`: between paragraphs.
 */
export type Place = 'target' | 'inline' | 'alone'

/** A piece of an answer's text. `thought`: part of what the model thinks aloud. */
export type Piece =
  | { type: 'text'; text: string; thought: boolean }
  /** Long base64 that is no picture we know. */
  | { type: 'file'; file: Spooled; thought: boolean }
  | { type: 'picture'; picture: Spooled; place: Place; thought: boolean }
  /** A foreign picture; `before` and `after` belong to it. */
  | { type: 'url'; url: string; place: Place; before: string; after: string; thought: boolean }

export interface AnswerTextOptions {
  spool: Spool
  /** Whether all of it is thought. */
  thought: boolean
  /** Whether a picture takes its markdown, `![…](…)`, along. */
  unwrap: boolean
  /** Whether foreign pictures are looked for. */
  urls: boolean
}

const OPENING = /<think(?:ing)?>/i
const CLOSING = /<\/think(?:ing)?>/i
const BEGUN_TAG = /<\/?(?:t|th|thi|thin|think|thinki|thinkin|thinking)?$/i
const WRAPPER = /!\[[^\]\n]{0,500}\]\([ <]?$/
const BEGUN_WRAPPER = /!(?:\[[^\]\n]{0,500}(?:\]\(?)?)?$/
const WRAPPER_END = /^>?\)/
const URL = /https?:\/\/[^\s<>"'()[\]\\`|]{1,2048}/i
const BEGUN_URL = /(?:h|ht|htt|https?|https?:|https?:\/{1,2}|https?:\/\/[^\s<>"'()[\]\\`|]{1,2048})$/i
const PICTURE_URL = /\.(?:png|jpe?g|webp|gif|avif)(?:\?[^#]*)?$/i
const TARGET = /(?:\([ <]?|["'`=])$/
const TAIL = 512

/** The text of one field of an answer: finds the pictures in it, and what is thought. */
export class AnswerText {
  readonly #options: AnswerTextOptions
  readonly #delta
  #held = ''
  /** The end of the text so far, where it is known. */
  #tail = ''
  #begun = false
  #thought: boolean
  /** A picture took its opening markdown along. */
  #isClosing = false
  #isAfterPicture = false

  constructor(options: AnswerTextOptions) {
    this.#options = options
    this.#delta = createDeltaText(options.spool)
    this.#thought = options.thought
  }

  /** Whether a data URL or the beginning of one is held. */
  get isHolding(): boolean {
    return this.#delta.isHolding
  }

  /** Whether the next text may be passed on unread. */
  get isAtRest(): boolean {
    if (!this.#begun || this.#held !== '' || this.#isClosing || this.#isAfterPicture) return false
    if (this.#delta.isHolding || TARGET.test(this.#tail)) return false
    return !(this.#options.urls && BEGUN_WRAPPER.test(this.#tail))
  }

  /** Text was passed on unread. */
  pass(): void {
    this.#begun = true
    this.#tail = ''
  }

  async push(text: string | Spooled | SpooledText): Promise<Piece[]> {
    const pieces = (await this.#delta.push(text)).flatMap((part) => this.#take(part))
    return merge(pieces)
  }

  /** A picture that does not stand in the text. */
  add(picture: { picture: Spooled } | { url: string }): Piece[] {
    const pieces = this.#flush()
    const isApart = !this.#options.unwrap && this.#begun && !this.#tail.endsWith('\n')
    if (isApart) pieces.push(...this.#emit('\n\n'))
    const facts = { place: 'alone', thought: false } as const
    pieces.push(
      'url' in picture
        ? { type: 'url', url: picture.url, before: '', after: '', ...facts }
        : { type: 'picture', picture: picture.picture, ...facts },
    )
    this.#note(')')
    this.#isAfterPicture = !this.#options.unwrap
    return pieces
  }

  /** What was held back, when nothing more will come. */
  async end(): Promise<Piece[]> {
    const pieces = (await this.#delta.end()).flatMap((part) => this.#take(part))
    return merge([...pieces, ...this.#takeText('', true), ...this.#flush()])
  }

  #take(part: string | Spooled): Piece[] {
    return part instanceof Spooled ? this.#takeFile(part) : this.#takeText(part)
  }

  #takeFile(file: Spooled): Piece[] {
    const thought = this.#thought
    const wrapper = this.#unwraps ? WRAPPER.exec(this.#held) : null
    if (wrapper !== null) this.#held = this.#held.slice(0, wrapper.index)
    const pieces = this.#flush()
    if (file.mime === undefined) {
      this.#note('=')
      return [...pieces, ...(wrapper ? this.#emit(wrapper[0]) : []), { type: 'file', file, thought }]
    }
    const place = wrapper ? 'alone' : TARGET.test(this.#tail) ? 'target' : 'inline'
    this.#isClosing = wrapper !== null
    this.#note(')')
    return [...pieces, { type: 'picture', picture: file, place, thought }]
  }

  get #unwraps(): boolean {
    return this.#options.unwrap || this.#thought
  }

  #takeText(text: string, isLast = false): Piece[] {
    const known = this.#held + (this.#isClosing ? text.replace(WRAPPER_END, '') : text)
    this.#isClosing = false
    this.#held = ''
    const pieces: Piece[] = []
    let at = 0
    for (;;) {
      const next = this.#next(known, at, isLast)
      if (next === undefined) break
      pieces.push(...next.pieces)
      at = next.at
    }
    const left = known.slice(at)
    this.#held = this.#beginning(left)
    return [...pieces, ...this.#emit(left.slice(0, left.length - this.#held.length))]
  }

  /** The first tag or URL from `at` on, with what stands before it. */
  #next(known: string, at: number, isLast: boolean): { pieces: Piece[]; at: number } | undefined {
    const text = known.slice(at)
    const tag = this.#options.thought ? null : (this.#thought ? CLOSING : OPENING).exec(text)
    const url = this.#options.urls && !this.#thought ? findPictureUrl(this.#tail, text, isLast) : undefined
    if (url !== undefined && (tag === null || url.index < tag.index)) return this.#takeUrl(text, url, at)
    if (tag === null) return undefined
    const end = tag.index + tag[0].length
    if (this.#thought) {
      const pieces = this.#emit(text.slice(0, end))
      this.#thought = false
      return { pieces, at: at + end }
    }
    const before = this.#emit(text.slice(0, tag.index))
    this.#thought = true
    return { pieces: [...before, ...this.#emit(tag[0])], at: at + end }
  }

  #takeUrl(text: string, { index, url }: FoundUrl, at: number): { pieces: Piece[]; at: number } {
    const stretch = text.slice(0, index)
    const wrapper = this.#options.unwrap ? WRAPPER.exec(stretch) : null
    const pieces = this.#emit(stretch.slice(0, wrapper?.index))
    const after = wrapper === null ? '' : (WRAPPER_END.exec(text.slice(index + url.length))?.[0] ?? '')
    const isTarget = TARGET.test((this.#tail + stretch).slice(-TAIL))
    const place = wrapper ? 'alone' : isTarget ? 'target' : 'inline'
    pieces.push({ type: 'url', url, place, before: wrapper?.[0] ?? '', after, thought: false })
    this.#note(')')
    return { pieces, at: at + index + url.length + after.length }
  }

  /** The end of the text that may be the beginning of something. */
  #beginning(text: string): string {
    const patterns = [
      ...(this.#options.thought ? [] : [BEGUN_TAG]),
      ...(this.#unwraps ? [WRAPPER, BEGUN_WRAPPER] : []),
      ...(this.#options.urls && !this.#thought ? [BEGUN_URL] : []),
    ]
    const starts = patterns.map((pattern) => pattern.exec(text)?.index ?? text.length)
    let start = Math.min(text.length, ...starts)
    if (this.#options.unwrap && start < text.length)
      start = WRAPPER.exec(text.slice(0, start))?.index ?? start
    return text.slice(start)
  }

  #flush(): Piece[] {
    const held = this.#held
    this.#held = ''
    return this.#emit(held)
  }

  #emit(text: string): Piece[] {
    if (text === '') return []
    const apart = this.#isAfterPicture && !text.startsWith('\n') ? '\n\n' : ''
    this.#isAfterPicture = false
    this.#note(apart + text)
    return [{ type: 'text', text: apart + text, thought: this.#thought }]
  }

  #note(text: string): void {
    this.#begun = true
    this.#tail = (this.#tail + text).slice(-TAIL)
  }
}

interface FoundUrl {
  index: number
  url: string
}

/** The first URL that markdown shows as a picture or that is named like one, and of which the end is known. */
function findPictureUrl(tail: string, text: string, isLast: boolean): FoundUrl | undefined {
  for (let from = 0; ; ) {
    const found = URL.exec(text.slice(from))
    if (found === null) return undefined
    const index = from + found.index
    const end = index + found[0].length
    if (end === text.length && !isLast) return undefined
    const isShown = WRAPPER.test((tail + text.slice(0, index)).slice(-TAIL))
    const url = isShown ? found[0] : found[0].replace(/[.,;:!?*_]+$/, '')
    if (isShown || PICTURE_URL.test(url)) return { index, url }
    from = end
  }
}

function merge(pieces: readonly Piece[]): Piece[] {
  const merged: Piece[] = []
  for (const piece of pieces) {
    const last = merged.at(-1)
    if (last?.type === 'text' && piece.type === 'text' && last.thought === piece.thought)
      last.text += piece.text
    else merged.push(piece)
  }
  return merged
}
