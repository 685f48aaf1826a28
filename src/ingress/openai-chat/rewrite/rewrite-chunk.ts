import type { Answer, KeptPiece } from './answer.ts'
import { asCompletion } from './as-completion.ts'
import { commonFields } from './event-bytes.ts'
import { keepRest } from './keep-rest.ts'
import { isRecord, type JsonRecord, recordsIn } from './records.ts'
import { toDeltas } from './to-deltas.ts'

/** A choice of a chunk, read. */
interface ReadChoice {
  /** What is left of it when its pieces have gone ahead. */
  left: JsonRecord
  role: JsonRecord
  index: number
  pieces: KeptPiece[]
  isUntouched: boolean
}

/**
 * A chunk of a stream as the chunks that the client gets in its place; undefined when it may stay as it is.
 * Takes whole completions and bodies of an images API for chunks, too.
 * @param isLong it must be divided, so that nothing may stay as it is
 */
export async function rewriteChunk(
  value: unknown,
  answer: Answer,
  isLong: boolean,
): Promise<AsyncIterable<JsonRecord> | undefined> {
  if (!isRecord(value)) return undefined
  const chunk = asCompletion(value)
  const choices: ReadChoice[] = []
  for (const choice of recordsIn(chunk.choices)) choices.push(await readChoice(choice, answer, isLong))
  if (choices.every(({ isUntouched }) => isUntouched)) return undefined
  return write(chunk, choices, answer)
}

/** What is still held when the stream is over. */
export async function* lastChunks(common: JsonRecord, answer: Answer): AsyncGenerator<JsonRecord, void> {
  for (const [index, choice] of answer.choices()) {
    for await (const delta of toDeltas(await choice.end(), answer.options.format)) {
      yield { ...common, choices: [{ index, delta, finish_reason: null }] }
    }
  }
}

async function readChoice(choice: JsonRecord, answer: Answer, isLong: boolean): Promise<ReadChoice> {
  const { delta, message, ...facts } = choice
  const isWhole = !isRecord(delta) && isRecord(message)
  const given = isRecord(delta) ? delta : isRecord(message) ? message : {}
  const index = typeof choice.index === 'number' ? choice.index : 0
  const state = answer.choice(index)
  const taken = await state.take(given)
  const last = typeof choice.finish_reason === 'string' ? await state.end() : []
  const isUntouched = taken.isUntouched && last.length === 0 && !isWhole && !isLong
  const { role, ...rest } = isWhole ? withIndices(taken.rest) : taken.rest
  return {
    left: isUntouched ? choice : { ...facts, index, delta: rest },
    role: isUntouched || role === undefined ? {} : { role },
    index,
    pieces: isUntouched ? [] : [...taken.pieces, ...last],
    isUntouched,
  }
}

/** In deltas tool calls have a number, in whole messages they have none. */
function withIndices(message: JsonRecord): JsonRecord {
  const calls = message.tool_calls
  if (!Array.isArray(calls)) return message
  return { ...message, tool_calls: calls.map((call, index) => (isRecord(call) ? { index, ...call } : call)) }
}

async function* write(
  chunk: JsonRecord,
  choices: readonly ReadChoice[],
  answer: Answer,
): AsyncGenerator<JsonRecord, void> {
  const common = commonFields(chunk)
  const left: JsonRecord[] = []
  for (const { left: rest, role, index, pieces, isUntouched } of choices) {
    let first = role
    for await (const delta of toDeltas(pieces, answer.options.format)) {
      yield { ...common, choices: [{ index, delta: { ...first, ...delta }, finish_reason: null }] }
      first = {}
    }
    const delta = isRecord(rest.delta) ? { ...first, ...rest.delta } : rest.delta
    const whole = { ...rest, delta }
    if (isUntouched || saysAnything(whole)) left.push({ finish_reason: null, ...whole })
  }
  const more = Object.entries(chunk).some(([name, value]) => name !== 'choices' && isStructure(value))
  if (left.length === 0 && !more) return
  const rest = { ...chunk, object: 'chat.completion.chunk', choices: left }
  await keepRest(rest, answer, 'go')
  yield rest
}

function saysAnything({ index: _, delta, ...facts }: JsonRecord): boolean {
  const values = [...Object.values(facts), ...(isRecord(delta) ? Object.values(delta) : [])]
  return values.some((value) => value !== null && value !== undefined && value !== '')
}

function isStructure(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
