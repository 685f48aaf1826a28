import type { Telling } from './telling-signs.ts'

/**
 * Finds the events of a stream that may be passed on unread. Those of a chat differ in nothing but their text as a rule:
 * once one of them is known to hold no picture, the next are known by their shape, which takes a fraction of the time,
 * and a text that seems to begin something is seen to go on otherwise.
 */
export class PlainEvents {
  readonly #telling: Telling
  /** What stands before and behind the text of the last event that was looked through. */
  #before = ''
  #after = ''

  constructor(telling: Telling) {
    this.#telling = telling
  }

  /**
   * Where the plain events end that stand from `at` on.
   * @param events whole events, a character per byte
   * @param end where the first of them ends
   */
  passOver(events: string, at: number, end: () => number): number {
    if (this.#before !== '' && events.startsWith(this.#before, at)) {
      const passed = this.#passOverAlike(events, at)
      if (passed !== undefined) return passed
    }
    const event = events.slice(at, end())
    if (this.#telling.event.test(event)) return at
    this.#learn(event)
    return at + event.length
  }

  /** The same for events of the known shape; undefined when the first is not. Splitting is what the engine does fastest. */
  #passOverAlike(events: string, start: number): number | undefined {
    const around = this.#before.length + this.#after.length
    const texts = this.#textsOf(events.slice(start + this.#before.length))
    if (texts.length === 0) return undefined
    const all = texts.join('')
    const telling = this.#telling.text.exec(all)?.index
    if (telling === undefined) return start + all.length + texts.length * around
    let end = start
    let left = telling
    for (const text of texts) {
      left -= text.length
      if (left < 0) break
      end += text.length + around
    }
    return end
  }

  /** The texts of the events, from within the first on, as far as they are of the known shape. */
  #textsOf(events: string): string[] {
    const texts = events.split(this.#after + this.#before)
    const last = texts.pop() ?? ''
    const close = endOfString(last, 0)
    if (last.startsWith(this.#after, close)) texts.push(last.slice(0, close))
    const unlike = texts.findIndex((text) => text.includes('"') && endOfString(text, 0) < text.length)
    return unlike === -1 ? texts : texts.slice(0, unlike)
  }

  #learn(event: string): void {
    const name = TEXT_NAME.exec(event)
    if (name === null) return
    const from = name.index + name[0].length
    this.#before = event.slice(0, from)
    this.#after = event.slice(endOfString(event, from))
  }
}

const TEXT_NAME = /"(?:content|reasoning_content|reasoning)"\s*:\s*"/
const STRING = /(?:[^"\\]|\\.)*/y

/** Where the quote of a JSON string is that begins at `from`. */
function endOfString(text: string, from: number): number {
  STRING.lastIndex = from
  return from + (STRING.exec(text)?.[0].length ?? 0)
}
