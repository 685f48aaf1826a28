import { checkPicture } from '../../../bytes/check-picture.ts'
import type { ScanOptions } from '../../../bytes/json-scanner.ts'
import { spoolBase64 } from '../../../bytes/spool-base64.ts'
import { Spooled } from '../../../bytes/spooled.ts'
import { AnswerText, type Piece, type Place } from './answer-text.ts'
import { readMessage, THOUGHT_FIELDS } from './message-sources.ts'
import type { RewriteOptions } from './options.ts'
import type { PictureSource } from './picture-source.ts'
import type { JsonRecord } from './records.ts'

/** A piece of an answer as it is to leave: every picture has a URL. */
export type KeptPiece =
  | { type: 'text'; field: string; text: string; thought: boolean }
  | { type: 'file'; field: string; file: Spooled; thought: boolean }
  /** `file` is absent where the picture stays with somebody else. */
  | { type: 'picture'; url: string; place: Place; file?: Spooled }

/** What a message or delta comes to. */
export interface Taken {
  pieces: KeptPiece[]
  /** Its fields that are neither text nor pictures. */
  rest: JsonRecord
  /** Whether nothing is held, found or added, so that the message may stay as it is. */
  isUntouched: boolean
}

/** One answer of an upstream, with all its choices. */
export class Answer {
  readonly options: RewriteOptions
  readonly #choices = new Map<number, Choice>()
  /** URLs of the pictures that were kept, by hash. */
  readonly #urls = new Map<string, string>()

  constructor(options: RewriteOptions) {
    this.options = options
  }

  /** How the events of a stream are to be parsed: a data URL may go on in the next, base64 then being mere text. */
  get scan(): ScanOptions {
    const isHolding = () => this.isHolding
    return {
      spool: this.options.spool,
      open: true,
      get bare() {
        return !isHolding()
      },
    }
  }

  /** Whether plain events may be passed on unread. */
  get isAtRest(): boolean {
    for (const choice of this.#choices.values()) if (!choice.isAtRest) return false
    return this.#choices.size > 0
  }

  /** Whether a data URL has begun, so that base64 may go on without one. */
  get isHolding(): boolean {
    return [...this.#choices.values()].some((choice) => choice.isHolding)
  }

  /** Plain events were passed on unread. */
  pass(events: string): void {
    for (const choice of this.#choices.values()) choice.pass(events)
  }

  /** Throws what a body or an event of it says went wrong. */
  check(value: unknown): void {
    const failure = this.options.failureIn?.(value)
    if (failure !== undefined) throw failure
  }

  choice(index: number): Choice {
    const choice = this.#choices.get(index) ?? new Choice(this)
    this.#choices.set(index, choice)
    return choice
  }

  choices(): Iterable<[index: number, choice: Choice]> {
    return this.#choices
  }

  /** Stores a picture once. Throws `BytesError` when it is broken. */
  async keep(picture: Spooled, signature: string | undefined): Promise<string> {
    checkPicture(picture)
    const facts = signature === undefined ? {} : { signature }
    const url = this.#urls.get(picture.sha256) ?? (await this.options.keeper.keep(picture, facts))
    this.#urls.set(picture.sha256, url)
    return url
  }
}

const SAYS_SOMETHING = /"content"\s*:\s*"[^"]/

/** One choice of an answer. */
export class Choice {
  readonly #answer: Answer
  readonly #texts = new Map<string, AnswerText>()
  /** What was shown apart from the text: the same picture may come in several forms. */
  readonly #shown = new Set<string>()
  /** The last picture of the model's thoughts, which counts only when no other comes. */
  #draft: { picture: Spooled; signature: string | undefined } | undefined

  constructor(answer: Answer) {
    this.#answer = answer
  }

  get isAtRest(): boolean {
    for (const text of this.#texts.values()) if (!text.isAtRest) return false
    return this.#texts.size > 0
  }

  get isHolding(): boolean {
    return [...this.#texts.values()].some((text) => text.isHolding)
  }

  pass(events: string): void {
    if (!this.#texts.has('content') && SAYS_SOMETHING.test(events)) this.#text('content')
    for (const text of this.#texts.values()) text.pass()
  }

  /** Takes a whole message or the next delta. */
  async take(message: JsonRecord): Promise<Taken> {
    const { sources, rest, signature } = readMessage(message, !this.isHolding)
    const pieces: KeptPiece[] = []
    let isUntouched = true
    for (const source of sources) {
      if (source.type === 'picture') {
        isUntouched = false
        pieces.push(...(await this.#takePicture(source.picture, signature)))
        continue
      }
      const found = source.text === '' ? [] : await this.#text(source.field).push(source.text)
      isUntouched &&= message[source.field] === source.text && textOf(found) === source.text
      pieces.push(...(await this.#keepAll(source.field, found, signature)))
    }
    return { pieces, rest, isUntouched }
  }

  /** What was held back, and the draft where there is nothing better. */
  async end(): Promise<KeptPiece[]> {
    const pieces: KeptPiece[] = []
    for (const [field, text] of this.#texts) pieces.push(...(await this.#keepAll(field, await text.end())))
    const draft = this.#shown.size === 0 ? this.#draft : undefined
    if (draft === undefined) return pieces
    return [...pieces, ...(await this.#show({ picture: draft.picture }, draft.signature))]
  }

  #text(field: string): AnswerText {
    const { spool, format, keeper } = this.#answer.options
    const text =
      this.#texts.get(field) ??
      new AnswerText({
        spool,
        thought: THOUGHT_FIELDS.includes(field),
        unwrap: format === 'content',
        urls: keeper.keepUrl !== undefined,
      })
    this.#texts.set(field, text)
    return text
  }

  async #takePicture(found: PictureSource, general: string | undefined): Promise<KeptPiece[]> {
    const { source, isThought } = found
    const signature = found.signature ?? general
    if (typeof source === 'string' && /^https?:/i.test(source)) {
      return isThought ? [] : await this.#show({ url: source }, signature)
    }
    const picture = source instanceof Spooled ? source : await spoolBase64(source, this.#answer.options.spool)
    if (!isThought) return await this.#show({ picture }, signature)
    this.#draft = { picture, signature }
    return []
  }

  async #show(
    shown: { picture: Spooled } | { url: string },
    signature: string | undefined,
  ): Promise<KeptPiece[]> {
    const name = 'url' in shown ? shown.url : shown.picture.sha256
    if (this.#shown.has(name)) return []
    this.#shown.add(name)
    return await this.#keepAll('content', this.#text('content').add(shown), signature)
  }

  async #keepAll(field: string, pieces: readonly Piece[], signature?: string): Promise<KeptPiece[]> {
    const kept: KeptPiece[] = []
    for (const piece of pieces) {
      if (piece.type === 'picture' && piece.thought) this.#draft = { picture: piece.picture, signature }
      else kept.push(await this.#keep(field, piece, signature))
    }
    return kept
  }

  async #keep(field: string, piece: Piece, signature: string | undefined): Promise<KeptPiece> {
    if (piece.type === 'text' || piece.type === 'file') return { ...piece, field }
    if (piece.type === 'picture') {
      this.#shown.add(piece.picture.sha256)
      const url = await this.#answer.keep(piece.picture, signature)
      return { type: 'picture', url, place: piece.place, file: piece.picture }
    }
    const { url, place, before, after } = piece
    const kept = await this.#answer.options.keeper.keepUrl?.(url)
    const isShown = kept !== undefined || (place === 'alone' && before === '')
    if (isShown) return { type: 'picture', url: kept ?? url, place }
    return { type: 'text', field, text: before + url + after, thought: false }
  }
}

/** What the pieces say; undefined when they are more than text. */
function textOf(pieces: readonly Piece[]): string | undefined {
  let text = ''
  for (const piece of pieces) {
    if (piece.type !== 'text') return undefined
    text += piece.text
  }
  return text
}
