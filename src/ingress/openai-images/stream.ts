import type { StoredImage } from '../../../contract/image.ts'
import { withPrefix, writeJson } from '../../bytes/write-json.ts'
import type { Finished } from '../../gateway/generate.ts'
import type { Library } from '../../library/library.ts'
import type { TaskEvent } from '../../tasks/progress.ts'
import type { TaskRecord } from '../../tasks/task-table.ts'
import { openAiError } from '../error-reply.ts'
import { withHeartbeat } from '../with-heartbeat.ts'
import { type Form, factsOf, toItem } from './reply.ts'

/** Beginning of the event names: `image_generation` or `image_edit`, as OpenAI calls them. */
const prefixOf = (task: TaskRecord) => (task.job.kind === 'generate' ? 'image_generation' : 'image_edit')

/**
 * The events of OpenAI's image streams: previews as they come, one `completed` for each picture, `error` when none came.
 * The last `completed` waits for the end of the run, because it carries the usage.
 */
export async function* toEvents(
  library: Library,
  task: TaskRecord,
  events: AsyncIterable<TaskEvent>,
  finished: Promise<Finished>,
  form: Form,
): AsyncIterable<Uint8Array> {
  let held: StoredImage | undefined
  for await (const event of withHeartbeat(events)) {
    if (event === 'heartbeat') yield COMMENT
    else if (event.type === 'partial') yield* partialEvent(task, event)
    else if (event.type === 'image' && event.image.position < task.total) {
      if (held) yield* completedEvent(library, task, held, form, {})
      held = event.image
    }
  }
  const { task: done } = await finished
  if (held) {
    yield* completedEvent(library, task, held, form, {
      ...(done.usage ? { usage: done.usage } : {}),
      ...(done.warnings.length > 0 ? { warnings: done.warnings } : {}),
    })
  } else if (done.error) yield* serverEvent('error', { type: 'error', error: openAiError(done.error) })
}

/** The same for a request that was answered before: nothing but its pictures. */
export async function* replayEvents(
  library: Library,
  { task, images }: Finished,
  form: Form,
): AsyncIterable<Uint8Array> {
  for (const [index, image] of images.entries()) {
    const last = index === images.length - 1
    yield* completedEvent(library, task, image, form, last && task.usage ? { usage: task.usage } : {})
  }
  if (task.error && images.length === 0)
    yield* serverEvent('error', { type: 'error', error: openAiError(task.error) })
}

async function* partialEvent(task: TaskRecord, { picture, partialIndex }: TaskEvent & { type: 'partial' }) {
  const type = `${prefixOf(task)}.partial_image`
  const size = picture.width && picture.height ? { size: `${picture.width}x${picture.height}` } : {}
  const event = {
    type,
    b64_json: withPrefix(picture, ''),
    created_at: Math.floor(task.createdAt / 1000),
    ...size,
    quality: task.job.quality ?? 'auto',
    background: task.job.background ?? 'auto',
    output_format: picture.mime?.replace('image/', ''),
    partial_image_index: partialIndex,
  }
  yield* serverEvent(type, event)
}

async function* completedEvent(
  library: Library,
  task: TaskRecord,
  image: StoredImage,
  form: Form,
  more: Record<string, unknown>,
) {
  const type = `${prefixOf(task)}.completed`
  const item = await toItem(library, image, task.job, form)
  yield* serverEvent(type, {
    type,
    ...item,
    created_at: Math.floor(image.createdAt / 1000),
    quality: 'auto',
    background: 'auto',
    ...factsOf(image, task.job),
    ...more,
  })
}

async function* serverEvent(name: string, data: unknown): AsyncIterable<Uint8Array> {
  yield encoder.encode(`event: ${name}\ndata: `)
  yield* writeJson(data).chunks()
  yield END
}

const encoder = new TextEncoder()
const END = encoder.encode('\n\n')
const COMMENT = encoder.encode(': still drawing\n\n')
