import { readEvents } from '../../../bytes/read-events.ts'
import type { Answer, KeptPiece } from './answer.ts'
import { asCompletion } from './as-completion.ts'
import { keepRest } from './keep-rest.ts'
import { fieldOf, isRecord, type JsonRecord, recordsIn } from './records.ts'
import { toMessage } from './to-message.ts'

/** A choice of which the deltas are being put together. */
interface Collected {
  pieces: KeptPiece[]
  rest: Record<string, unknown>
  facts: Record<string, unknown>
}

/** A streamed answer as one completion. An error among the events takes the place of the whole. */
export async function collectChunks(body: AsyncIterable<Uint8Array>, answer: Answer): Promise<unknown> {
  const choices = new Map<number, Collected>()
  const facts: Record<string, unknown> = {}
  for await (const { data } of readEvents(body, answer.scan)) {
    if (!isRecord(data)) continue
    answer.check(data)
    if (data.error !== undefined && data.error !== null) return data
    const { choices: found, ...others } = asCompletion(data)
    assignKnown(facts, others)
    for (const choice of recordsIn(found)) await collect(choices, choice, answer)
  }
  return {
    ...facts,
    object: 'chat.completion',
    choices: await Promise.all([...choices].map((entry) => finish(entry, answer))),
  }
}

async function collect(
  choices: Map<number, Collected>,
  { index: number, delta, message, ...facts }: JsonRecord,
  answer: Answer,
): Promise<void> {
  const index = typeof number === 'number' ? number : 0
  const collected = choices.get(index) ?? { pieces: [], rest: {}, facts: {} }
  choices.set(index, collected)
  assignKnown(collected.facts, facts)
  const given = isRecord(delta) ? delta : isRecord(message) ? message : {}
  const { pieces, rest } = await answer.choice(index).take(given)
  await keepRest(rest, answer, 'stay')
  collected.pieces.push(...pieces)
  for (const [name, value] of Object.entries(rest)) join(collected.rest, name, value)
}

async function finish([index, { pieces, rest, facts }]: [number, Collected], answer: Answer) {
  const all = [...pieces, ...(await answer.choice(index).end())]
  const message = toMessage(all, { role: 'assistant', content: null, ...rest }, answer.options.format)
  return { index, message, ...facts }
}

/** Later values win, but not with nothing. */
function assignKnown(target: Record<string, unknown>, values: JsonRecord): void {
  for (const [name, value] of Object.entries(values))
    if (value !== null || !(name in target)) target[name] = value
}

/** Adds to a field what the next delta says of it. */
function join(target: Record<string, unknown>, name: string, value: unknown): void {
  const known = target[name]
  if (name === 'tool_calls') target[name] = joinCalls(known, value)
  else if (Array.isArray(known) && Array.isArray(value)) target[name] = [...known, ...value]
  else if (typeof known === 'string' && typeof value === 'string' && name !== 'role')
    target[name] = known + value
  else if (value !== null || known === undefined) target[name] = value
}

function joinCalls(known: unknown, value: unknown): unknown[] {
  const calls = [...recordsIn(known)]
  for (const { index, ...call } of recordsIn(value)) {
    const at = typeof index === 'number' ? index : calls.length
    const begun = calls[at]
    calls[at] = begun === undefined ? call : joinCall(begun, call)
  }
  return calls
}

function joinCall(begun: JsonRecord, call: JsonRecord): JsonRecord {
  const known = begun.function
  const more = call.function
  if (!isRecord(known) || !isRecord(more)) return { ...begun, ...call }
  const joined = `${fieldOf(known, 'arguments') ?? ''}${fieldOf(more, 'arguments') ?? ''}`
  return { ...begun, function: { ...known, ...more, name: known.name ?? more.name, arguments: joined } }
}
