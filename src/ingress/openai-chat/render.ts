import type { Clock } from '../../base/clock.ts'
import type { Finished } from '../../gateway/generate.ts'
import type { TaskEvent } from '../../tasks/progress.ts'
import { type AnswerFacts, type ChatChunks, createChatChunks, DONE } from './chat-chunks.ts'
import { chatUsage } from './chat-usage.ts'
import { brokenOffText } from './failure-text.ts'
import { type Outcome, outcomeOf, toOutcome } from './outcome.ts'
import { type PictureForm, pictureDeltas, pictureMessage } from './picture-forms.ts'
import { createStageTeller } from './stage-text.ts'
import { CHAT_TEXTS, type ChatTexts, type Language } from './texts.ts'
import { whileRunning } from './while-running.ts'

/** Where progress is shown: in the answer, in its reasoning, or nowhere. */
export type ChatProgress = 'content' | 'reasoning' | 'off'

export interface ReplyInput extends AnswerFacts, PictureForm {
  language: Language
}

export interface StreamInput extends ReplyInput {
  /** Listened to since before the run began. */
  events: AsyncIterable<TaskEvent>
  finished: Promise<Finished>
  /** How many pictures were asked for. */
  total: number
  /** Absolute URLs of thumbnails of what is drawn from; the first {@link MAX_THUMBNAILS} are shown. */
  thumbnails: readonly string[]
  progress: ChatProgress
  /** Whether the client wants a chunk with the usage. */
  includeUsage: boolean
  clock: Clock
}

export const MAX_THUMBNAILS = 3

/** How often the elapsed time is told, in ms. */
const TICK = 3000
/** How often a silent stream shows that it is alive, in ms. Some clients drop comments, so it is an invisible character. */
const KEEP_ALIVE = 4000
const INVISIBLE = '\u200b'

/**
 * A picture request as a chat stream: what is going on while it is drawn, then the pictures, or what went wrong and what
 * to do. Starts at once, never waits for its own progress, and no line comes near 64 KiB.
 */
export async function* renderStream(input: StreamInput): AsyncGenerator<Uint8Array, void> {
  const chunks = createChatChunks(input)
  yield chunks.delta({ role: 'assistant', content: '' })
  const started = input.clock.now()
  const seconds = () => Math.round((input.clock.now() - started) / 1000)
  yield* tellProgress(input, chunks, seconds)
  const outcome = await outcomeOf(input.finished, input.language)
  yield* tellOutcome(input, chunks, outcome, seconds())
  yield chunks.finish(outcome.warnings.length > 0 ? { warnings: outcome.warnings } : {})
  const usage = input.includeUsage ? chatUsage(outcome.usage) : undefined
  if (usage) yield chunks.usage(usage)
  yield DONE
}

/** The body of a chat answer with the pictures of a finished run; for `writeJson`. */
export async function renderReply(
  finished: Finished,
  input: ReplyInput,
): Promise<Readonly<Record<string, unknown>>> {
  const { images, note, usage, warnings } = toOutcome(finished, input.language)
  const message = await pictureMessage(images, note, input)
  const counted = chatUsage(usage)
  return {
    id: input.id,
    object: 'chat.completion',
    created: input.created,
    model: input.model,
    choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: 'stop' }],
    ...(counted ? { usage: counted } : {}),
    ...(warnings.length > 0 ? { warnings } : {}),
  }
}

/** How a chat stream ends whose upstream broke off after its beginning. */
export function renderBreak(facts: AnswerFacts, language: Language): Uint8Array[] {
  const chunks = createChatChunks(facts)
  return [chunks.delta({ content: `\n\n${brokenOffText(language)}` }), chunks.finish({}), DONE]
}

async function* tellProgress(
  input: StreamInput,
  chunks: ChatChunks,
  seconds: () => number,
): AsyncGenerator<Uint8Array, void> {
  const texts = CHAT_TEXTS[input.language]
  const isOff = input.progress === 'off'
  if (!isOff) for (const text of opening(input, texts)) yield chunks.delta(spoken(input, text))
  const tell = createStageTeller(texts, input.total)
  for await (const event of whileRunning(input.events, input.finished, isOff ? KEEP_ALIVE : TICK)) {
    const text = event === 'tick' ? texts.elapsed(seconds()) : tell(event)
    if (isOff && event === 'tick') yield chunks.delta({ content: INVISIBLE })
    else if (!isOff && text !== undefined) yield chunks.delta(spoken(input, `${SEPARATOR}${text}`))
  }
}

/** What happens is told in one line that grows, so that a long wait does not fill the screen. */
const SEPARATOR = ' · '

function opening({ thumbnails }: StreamInput, texts: ChatTexts): string[] {
  const shown = thumbnails
    .slice(0, MAX_THUMBNAILS)
    .map((url, index) => `![${texts.reference(index + 1)}](${url})`)
  return [
    `### ${texts.heading}\n\n`,
    `${texts.received}\n\n`,
    ...(shown.length > 0 ? [`${shown.join(' ')}\n\n`] : []),
    texts.connecting,
  ]
}

const spoken = ({ progress }: StreamInput, text: string) =>
  progress === 'reasoning' ? { reasoning_content: text } : { content: text }

async function* tellOutcome(
  input: StreamInput,
  chunks: ChatChunks,
  { images, note }: Outcome,
  seconds: number,
): AsyncGenerator<Uint8Array, void> {
  const texts = CHAT_TEXTS[input.language]
  const isOff = input.progress === 'off'
  const success = images.length > 0 ? texts.success(images.length, input.total, seconds) : ''
  if (!isOff) yield chunks.delta(spoken(input, `\n\n${success}${success ? '\n\n' : ''}`))
  for (const [index, image] of images.entries())
    for await (const delta of pictureDeltas(image, index, input)) yield chunks.delta(delta)
  const closing = images.length > 0 && !isOff ? [texts.closing] : []
  const words = [...(note === undefined ? [] : [note]), ...closing].join('\n\n')
  if (words !== '') yield chunks.delta({ content: words })
}
