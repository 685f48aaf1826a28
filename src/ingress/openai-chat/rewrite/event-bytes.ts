import { isRecord, type JsonRecord, recordsIn } from './records.ts'
import { cutText } from './to-deltas.ts'

/** Lines of an event stream are shorter than this, in bytes: some clients break at twice as much. */
const LINE = 64 * 1024

const BEFORE = 'data: '

/** A string in a field that we do not know may have so many characters where the line is too long. */
const LONG_STRING = 2000

/**
 * A chunk as events of which no line has 64 KiB. Long arguments of tool calls are divided, as clients join them;
 * whatever else is too long is left out.
 * @param lines other lines of the event, each with its end
 */
export function* eventBytes(value: unknown, lines = ''): Generator<Buffer> {
  for (const text of fitting(value)) {
    yield Buffer.from(`${lines.length < LINE ? lines : ''}${BEFORE}${text}\n\n`)
  }
}

/** The fields of a chunk that are in each chunk of an answer. */
export function commonFields(chunk: JsonRecord): JsonRecord {
  const common = Object.entries(chunk).filter(
    ([name, value]) => name !== 'choices' && (typeof value === 'number' || isShort(value)),
  )
  return { ...Object.fromEntries(common), object: 'chat.completion.chunk' }
}

function* fitting(value: unknown): Generator<string> {
  const whole = textIfFitting(value)
  if (whole !== undefined) {
    yield whole
    return
  }
  const { first, rest } = isRecord(value) ? divideToolCalls(value) : { first: [], rest: value }
  for (const chunk of first) yield JSON.stringify(chunk)
  yield textIfFitting(rest) ?? textIfFitting(withoutLong(rest)) ?? JSON.stringify(bare(rest))
}

function textIfFitting(value: unknown): string | undefined {
  const text = JSON.stringify(value) ?? 'null'
  const isFitting = text.length * 3 < LINE || Buffer.byteLength(text) < LINE - BEFORE.length
  return isFitting ? text : undefined
}

function divideToolCalls(chunk: JsonRecord): { first: JsonRecord[]; rest: JsonRecord } {
  const first: JsonRecord[] = []
  const choices = recordsIn(chunk.choices).map((choice) => {
    if (!isRecord(choice.delta) || !Array.isArray(choice.delta.tool_calls)) return choice
    const { tool_calls: calls, ...delta } = choice.delta
    for (const part of recordsIn(calls).flatMap((call) => [...divideCall(call)])) {
      const one = { index: choice.index, delta: { ...delta, tool_calls: [part] }, finish_reason: null }
      const next = { ...commonFields(chunk), choices: [one] }
      first.push(textIfFitting(next) === undefined ? { ...next, choices: [bareCall(one.index, part)] } : next)
    }
    return { ...choice, delta: {} }
  })
  return { first, rest: { ...chunk, choices } }
}

function* divideCall(call: JsonRecord): Generator<JsonRecord> {
  const { function: called, ...facts } = call
  if (!isRecord(called) || typeof called.arguments !== 'string') {
    yield call
    return
  }
  let isFirst = true
  for (const text of cutText(called.arguments)) {
    const part = isFirst ? { ...facts, function: { ...called, arguments: text } } : undefined
    yield part ?? { index: call.index, function: { arguments: text } }
    isFirst = false
  }
  if (isFirst) yield call
}

function bareCall(index: unknown, call: JsonRecord): JsonRecord {
  return { index, delta: { tool_calls: [withoutLong(call)] }, finish_reason: null }
}

function withoutLong(value: unknown): unknown {
  const text = JSON.stringify(value, (_name, item: unknown) =>
    typeof item === 'string' && item.length > 4 * LONG_STRING ? undefined : item,
  )
  return text === undefined ? null : JSON.parse(text)
}

/** The least that a client needs to know. */
function bare(value: unknown): unknown {
  if (!isRecord(value)) return null
  const choices = recordsIn(value.choices).map(({ index, finish_reason }) => ({
    index,
    delta: {},
    finish_reason,
  }))
  return { ...commonFields(value), choices }
}

function isShort(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 200
}
