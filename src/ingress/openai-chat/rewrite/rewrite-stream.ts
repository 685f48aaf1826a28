import { setTimeout as sleep } from 'node:timers/promises'
import { BytesError } from '../../../bytes/bytes-error.ts'
import type { ServerEvent } from '../../../bytes/event-data.ts'
import { type EventRun, endOfEvent, readEventRuns } from '../../../bytes/read-event-runs.ts'
import { readJson } from '../../../bytes/read-json.ts'
import { Answer } from './answer.ts'
import { commonFields, eventBytes } from './event-bytes.ts'
import { keepRest } from './keep-rest.ts'
import type { RewriteOptions } from './options.ts'
import { PlainEvents } from './plain-events.ts'
import { isRecord, type JsonRecord } from './records.ts'
import { lastChunks, rewriteChunk } from './rewrite-chunk.ts'
import { readSmallEvent } from './small-event.ts'
import { tellingSigns } from './telling-signs.ts'

/**
 * An upstream's streamed chat answer as the client gets it: every picture is stored and replaced by a link,
 * no line has 64 KiB or more, `[DONE]` ends it. What holds no picture goes out at once and as it came.
 *
 * Text in `<think>` stays; a picture in it is a draft, shown only when no other comes.
 * Throws `BytesError` when the answer is cut or a picture is broken; errors of the body and of the keeper pass through, as does what
 * the upstream says went wrong.
 */
export async function* rewriteStream(
  body: AsyncIterable<Uint8Array>,
  options: RewriteOptions,
): AsyncGenerator<Uint8Array, void> {
  const stream = new StreamRewriter(options)
  if (options.isStream === false) {
    yield* stream.rewrite({ data: await readJson(body, { spool: options.spool }), event: undefined })
    yield* stream.end()
    return
  }
  const iterator = body[Symbol.asyncIterator]()
  const events = { [Symbol.asyncIterator]: () => iterator }
  const runs = readEventRuns(events, stream.answer.scan)
  try {
    while (!stream.isDone) {
      const { done, value: run } = await runs.next()
      if (done) yield* stream.end()
      else if (run.type === 'parsed') yield* stream.rewrite(run.event)
      else if (stream.isPlain(run)) yield run.bytes
      else yield* stream.pass(run)
    }
    await Promise.race([runs.next().catch(() => undefined), sleep(PATIENCE, undefined, { ref: false })])
  } finally {
    // A reader that waits for an upstream which does not end cannot be told to stop, its source can.
    void Promise.resolve(iterator.return?.()).catch(() => undefined)
    void runs.return().catch(() => undefined)
  }
}

/** How long an upstream may take to end after it said so, in ms, before its connection is given up. */
const PATIENCE = 100

const LF = 0x0a
const DONE = '[DONE]'
const END = Buffer.from(`data: ${DONE}\n\n`)

class StreamRewriter {
  readonly answer: Answer
  isDone = false
  readonly #plain: PlainEvents
  /** The last chunk that was parsed. */
  #chunk: JsonRecord = {}

  constructor(options: RewriteOptions) {
    this.answer = new Answer(options)
    this.#plain = new PlainEvents(tellingSigns(options.keeper.keepUrl !== undefined))
  }

  /** Whether all of the events may be passed on unread. A short cut: {@link pass} says the same, more slowly. */
  isPlain({ bytes, isCut }: EventRun & { type: 'raw' }): boolean {
    return !isCut && this.#passOver(bytes.toString('latin1'), bytes, 0) === bytes.length
  }

  /** Events as they came, as far as they may stay so. */
  async *pass({ bytes, isCut }: EventRun & { type: 'raw' }): AsyncGenerator<Uint8Array, void> {
    const events = bytes.toString('latin1')
    let from = 0
    for (let at = 0; at < bytes.length && !this.isDone; ) {
      const passed = isCut ? at : this.#passOver(events, bytes, at)
      if (passed > at) {
        at = passed
        continue
      }
      const end = endOfEvent(bytes, at)
      const rewritten = await this.#read(bytes.subarray(at, end), isCut)
      if (rewritten !== undefined) {
        if (at > from) yield bytes.subarray(from, at)
        yield* rewritten
        from = end
      }
      at = end
    }
    if (bytes.length > from && !this.isDone) yield bytes.subarray(from)
  }

  /** What takes the place of a parsed event. */
  async *rewrite({ data, event, id }: ServerEvent): AsyncGenerator<Uint8Array, void> {
    const chunks = await this.#chunks(data, true)
    const lines = `${event === undefined ? '' : `event: ${event}\n`}${id === undefined ? '' : `id: ${id}\n`}`
    if (chunks !== undefined) {
      yield* this.#write(chunks, lines)
      return
    }
    // A long text that is no JSON cannot be divided, and no client could read it.
    if (!isRecord(data)) return
    await keepRest(data, this.answer, 'go')
    yield* eventBytes(data, lines)
  }

  async *end(end: Uint8Array = END): AsyncGenerator<Uint8Array, void> {
    this.isDone = true
    for await (const chunk of lastChunks(commonFields(this.#chunk), this.answer)) yield* eventBytes(chunk)
    yield end
  }

  #passOver(events: string, bytes: Buffer, at: number): number {
    if (!this.answer.isAtRest) return at
    const passed = this.#plain.passOver(events, at, () => endOfEvent(bytes, at))
    if (passed > at) this.answer.pass(events.slice(at, passed))
    return passed
  }

  /** What takes the place of a short event; undefined where it may stay as it is. */
  async #read(bytes: Buffer, isCut: boolean): Promise<AsyncIterable<Uint8Array> | undefined> {
    const { data, value, lines } = readSmallEvent(bytes)
    if (data?.trim() === DONE) return this.end(bytes.at(-1) === LF ? bytes : END)
    if (value === undefined) {
      if (isCut && data !== undefined) throw new BytesError('truncated', 'the stream ends within an event')
      return undefined
    }
    const chunks = await this.#chunks(value, false)
    return chunks && this.#write(chunks, lines)
  }

  async #chunks(value: unknown, isLong: boolean): Promise<AsyncIterable<JsonRecord> | undefined> {
    this.answer.check(value)
    if (isRecord(value) && value.choices !== undefined) this.#chunk = value
    return await rewriteChunk(value, this.answer, isLong)
  }

  async *#write(chunks: AsyncIterable<JsonRecord>, lines: string): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of chunks) yield* eventBytes(chunk, lines)
  }
}
