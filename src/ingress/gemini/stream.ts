import type { StoredImage } from '../../../contract/image.ts'
import type { Spooled } from '../../bytes/spooled.ts'
import { withPrefix, writeJson } from '../../bytes/write-json.ts'
import type { Finished } from '../../gateway/generate.ts'
import type { Library } from '../../library/library.ts'
import type { TaskEvent } from '../../tasks/progress.ts'
import type { TaskRecord } from '../../tasks/task-table.ts'
import { geminiError } from '../gemini-error.ts'
import { withHeartbeat } from '../with-heartbeat.ts'
import { candidate, closing, type Form, headOf, type Part, partsOf } from './reply.ts'

/** A piece of a streamed answer, or the sign that more will come. */
export type Chunk = object | 'heartbeat'

/**
 * Google's streamed answers: previews as thoughts, then each picture as it comes. The last one waits for the end of the run,
 * because it carries the usage; an error ends a stream without a picture.
 */
export async function* toChunks(
  library: Library,
  task: TaskRecord,
  events: AsyncIterable<TaskEvent>,
  finished: Promise<Finished>,
  form: Form,
): AsyncIterable<Chunk> {
  let held: StoredImage | undefined
  for await (const event of withHeartbeat(events)) {
    if (event === 'heartbeat') yield event
    else if (event.type === 'partial' && !form.linksOnly)
      yield { candidates: [candidate(event.index, [preview(event.picture)])], ...headOf(task) }
    else if (event.type === 'image' && event.image.position < task.total) {
      if (held) yield chunkOf(held, await partsOf(library, held, task.job, form), task)
      held = event.image
    }
  }
  const { task: done } = await finished
  if (held) yield lastChunkOf(held, await partsOf(library, held, task.job, form), done)
  else if (done.error) yield { error: geminiError(done.error) }
}

/** The same for a request that was answered before: nothing but its pictures. */
export async function* replayChunks(
  library: Library,
  { task, images }: Finished,
  form: Form,
): AsyncIterable<Chunk> {
  for (const [index, image] of images.entries()) {
    const parts = await partsOf(library, image, task.job, form)
    yield index === images.length - 1 ? lastChunkOf(image, parts, task) : chunkOf(image, parts, task)
  }
}

/** As server-sent events (`alt=sse`). */
export async function* asEvents(chunks: AsyncIterable<Chunk>): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    if (chunk === 'heartbeat') yield encoder.encode(': still drawing\n\n')
    else {
      yield encoder.encode('data: ')
      yield* writeJson(chunk).chunks()
      yield encoder.encode('\n\n')
    }
  }
}

/** As one JSON array that grows. */
export async function* asArray(chunks: AsyncIterable<Chunk>): AsyncIterable<Uint8Array> {
  let before = '['
  for await (const chunk of chunks) {
    if (chunk === 'heartbeat') {
      yield encoder.encode(before === '[' ? '[\n' : '\n')
      if (before === '[') before = ''
    } else {
      yield encoder.encode(before)
      yield* writeJson(chunk).chunks()
      before = ',\n'
    }
  }
  yield encoder.encode(before === '[' ? '[]' : ']')
}

const encoder = new TextEncoder()

const preview = (picture: Spooled): Part => ({
  inlineData: { mimeType: picture.mime, data: withPrefix(picture, '') },
  thought: true,
})

const chunkOf = (image: StoredImage, parts: readonly Part[], task: TaskRecord) => ({
  candidates: [candidate(image.position, parts)],
  ...headOf(task, image),
})

const lastChunkOf = (image: StoredImage, parts: readonly Part[], task: TaskRecord) => ({
  candidates: [{ ...candidate(image.position, parts), finishReason: 'STOP' }],
  ...closing(task),
  ...headOf(task, image),
})
