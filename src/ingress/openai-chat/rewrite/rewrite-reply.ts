import { cut } from '../../../bytes/chunks.ts'
import { readJson } from '../../../bytes/read-json.ts'
import { Answer } from './answer.ts'
import { asCompletion } from './as-completion.ts'
import { collectChunks } from './collect-chunks.ts'
import { keepRest } from './keep-rest.ts'
import type { RewriteOptions } from './options.ts'
import { isRecord, type JsonRecord } from './records.ts'
import { tellingSigns } from './telling-signs.ts'
import { toMessage } from './to-message.ts'

/** A JSON answer for the client: as it came, or a value for `writeJson`. */
export type RewrittenReply = { raw: Uint8Array } | { value: unknown }

/** Longer replies are parsed as they come. */
const SMALL = 64 * 1024

/**
 * An upstream's chat answer as the client gets it, with every picture stored and replaced by a link.
 * Where there is a picture, the content is a text that is not empty (or a list, in the form `content`), and
 * `<think>…</think>` is dropped; a picture in it is a draft, shown only when there is no other.
 *
 * Throws `BytesError` when the answer is cut or no JSON, or a picture is broken; errors of the body and of the keeper
 * pass through. In the form `base64` the pictures' files must be there until the value is written.
 */
export async function rewriteReply(
  body: AsyncIterable<Uint8Array>,
  options: RewriteOptions,
): Promise<RewrittenReply> {
  const answer = new Answer(options)
  if (options.isStream === true) return { value: await collectChunks(body, answer) }
  const read = await readSmall(body)
  const { reply: telling } = tellingSigns(options.keeper.keepUrl !== undefined)
  const isPlain = 'raw' in read && !telling.test(read.raw.toString('latin1'))
  const plain = isPlain ? parse(read.raw) : undefined
  if (isPlain && plain !== undefined) {
    answer.check(plain)
    return { raw: read.raw }
  }
  const value = await readJson('raw' in read ? once(read.raw) : read.rest, { spool: options.spool })
  const rewritten = await rewriteValue(value, answer)
  return rewritten === value && 'raw' in read ? { raw: read.raw } : { value: rewritten }
}

/** The same value where nothing was changed. */
async function rewriteValue(value: unknown, answer: Answer): Promise<unknown> {
  answer.check(value)
  if (!isRecord(value)) return value
  const completion = asCompletion(value)
  const { choices: given, ...facts } = completion
  if (!Array.isArray(given)) return value
  const choices: unknown[] = []
  for (const [position, choice] of given.entries()) {
    choices.push(isRecord(choice) ? await rewriteChoice(choice, position, answer) : choice)
  }
  const isChanged = await keepRest(facts, answer, 'stay')
  const isSame = completion === value && choices.every((choice, position) => choice === given[position])
  return isSame && !isChanged ? value : { ...facts, choices }
}

async function rewriteChoice(choice: JsonRecord, position: number, answer: Answer): Promise<JsonRecord> {
  const { message, ...facts } = choice
  const isFactChanged = await keepRest(facts, answer, 'stay')
  if (!isRecord(message)) return isFactChanged ? { ...facts, message } : choice
  const state = answer.choice(position)
  const { pieces, rest, isUntouched } = await state.take(message)
  const last = await state.end()
  const isRestChanged = await keepRest(rest, answer, 'stay')
  if (isUntouched && !isFactChanged && !isRestChanged && last.length === 0) return choice
  return { ...facts, message: toMessage([...pieces, ...last], rest, answer.options.format) }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

/** The whole body where it is short; else all of it as a stream. */
async function readSmall(
  body: AsyncIterable<Uint8Array>,
): Promise<{ raw: Buffer } | { rest: AsyncIterable<Uint8Array> }> {
  const chunks: Buffer[] = []
  let length = 0
  const iterator = body[Symbol.asyncIterator]()
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    chunks.push(...cut(next.value))
    length += next.value.length
    if (length >= SMALL) return { rest: goOn(chunks, iterator) }
  }
  const [only] = chunks
  return { raw: chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, length) }
}

async function* goOn(
  chunks: Buffer[],
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  try {
    while (chunks.length > 0) yield chunks.shift() ?? Buffer.alloc(0)
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
  } finally {
    await iterator.return?.()
  }
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array, void> {
  yield bytes
}
