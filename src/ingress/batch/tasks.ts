import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import {
  BATCH_REFERENCES,
  BatchError,
  BatchRequest,
  BatchTask,
  envelope,
  type RetryRequest,
} from '../../../contract/batch.ts'
import { AppError } from '../../base/error.ts'
import { isId } from '../../base/id.ts'
import type { Spooled } from '../../bytes/spooled.ts'
import { accept } from '../../gateway/accept.ts'
import { cancelTask, loadWithImages, retryTask, roomFor, runLater } from '../../gateway/run.ts'
import { departure, holdSpool } from '../body.ts'
import { batchShape, errorReply } from '../error-reply.ts'
import { languageOf } from '../language.ts'
import { readPicture } from '../pictures.ts'
import { baseUrlOf, type Surface } from '../surface.ts'
import { toJob } from './codec.ts'
import { type Reader, toBatchTask } from './reply.ts'
import { inWordsOf } from './reword.ts'
import { success } from './success.ts'

const Params = Type.Object({ taskId: Type.String() })
const common = {
  tags: ['Batches'],
  response: { 200: envelope(BatchTask), '4xx': BatchError, '5xx': BatchError },
}

/** `/generate/**`: batches are begun, watched, stopped and run again. */
export function taskRoutes(app: FastifyInstance, surface: Surface): void {
  app.setErrorHandler(
    errorReply(
      batchShape,
      inWordsOf({
        invalid: 'invalid_generation',
        fields: { count: 'invalid_count' },
        fault: 'task_creation_failed',
      }),
    ),
  )
  app.addHook('preValidation', async (request) => {
    request.body = withoutEmpty(request.body)
  })

  for (const [url, consumes] of [
    ['/generate/batch', 'application/json'],
    ['/generate/batch-with-images', 'multipart/form-data'],
  ] as const) {
    app.post<{ Body: BatchRequest & { refImages?: unknown } }>(
      url,
      { schema: { ...common, summary: SUMMARIES[url], consumes: [consumes], body: BatchRequest } },
      (request, reply) => holdSpool(request, begin(surface, request, departure(reply))),
    )
  }

  app.get(
    '/generate/status/:taskId',
    { schema: { ...common, summary: 'How a batch stands', params: Params } },
    async (request) => success(toBatchTask(await load(surface, request), readerOf(surface, request))),
  )

  app.post(
    '/generate/cancel/:taskId',
    { schema: { ...common, summary: 'Stop what has not begun', params: Params } },
    async (request) => {
      const { task } = await load(surface, request)
      await cancelTask(surface.gateway, task, 'halted')
      return success(toBatchTask(await load(surface, request), readerOf(surface, request)))
    },
  )

  app.post<{ Body: RetryRequest | undefined }>(
    '/generate/retry/:taskId',
    { schema: { ...common, summary: 'Run what failed again', params: Params } },
    async (request) => {
      const { task, images } = await load(surface, request)
      const restarted = await retryTask(surface.gateway, task, request.caller, credentialOf(request.body))
      return success(toBatchTask({ task: restarted, images }, readerOf(surface, request)))
    },
  )
}

const SUMMARIES = {
  '/generate/batch': 'Begin a batch of up to 100 pictures',
  '/generate/batch-with-images': 'Begin a batch with pictures to go by, as `refImages`',
}

/** Whom a reply is for. */
export const readerOf = (surface: Surface, request: FastifyRequest): Reader => ({
  language: languageOf(request),
  baseUrl: baseUrlOf(surface, request),
})

async function begin(
  surface: Surface,
  request: FastifyRequest<{ Body: BatchRequest & { refImages?: unknown } }>,
  signal: AbortSignal,
) {
  const { gateway } = surface
  const { body } = request
  const images = await readReferences(surface, request, signal)
  const job = toJob(body, images.length, gateway.settings.defaultAspectRatio)
  const { task } = await accept(gateway, {
    job,
    inputs: { images },
    mode: 'async',
    caller: request.caller,
    total: await roomFor(gateway, job.n),
    credential: credentialOf(body),
  })
  await runLater(gateway, task)
  return success(toBatchTask({ task, images: [] }, readerOf(surface, request)))
}

function credentialOf(body: RetryRequest | undefined) {
  const { apiKey, apiBase } = body ?? {}
  if (apiKey !== undefined) return { apiKey, apiBase }
  // Our own key must not go to an address that a caller names.
  if (apiBase !== undefined) throw invalid('apiBase', "it needs an 'apiKey' of yours beside it.")
  return undefined
}

/** The pictures of an upload in their order. One that cannot be used fails the whole request. */
async function readReferences(
  { gateway: { library, http }, settings: { allowExternalImages } }: Surface,
  { body: { refImages }, spool }: FastifyRequest<{ Body: { refImages?: unknown } }>,
  signal: AbortSignal,
): Promise<Spooled[]> {
  const given = refImages === undefined ? [] : [refImages].flat()
  const { files, bytes, allBytes } = BATCH_REFERENCES
  if (given.length > files) throw invalid('refImages', `at most ${files} pictures are allowed.`)
  const source = { library, http, spool, allowExternalImages, signal }
  const pictures: Spooled[] = []
  for (const [index, value] of given.entries()) {
    const picture = await readPicture(source, value, `refImages[${index}]`)
    if (picture.bytes > bytes) throw invalid(`refImages[${index}]`, `it is larger than ${bytes} bytes.`)
    pictures.push(picture)
  }
  if (pictures.reduce((sum, picture) => sum + picture.bytes, 0) > allBytes)
    throw invalid('refImages', `together they are larger than ${allBytes} bytes.`)
  return pictures
}

async function load({ gateway }: Surface, request: FastifyRequest) {
  const { taskId } = request.params as { taskId: string }
  const found = isId(taskId) ? await loadWithImages(gateway, request.caller.owner, taskId) : undefined
  if (found === undefined) throw new AppError('task_not_found')
  return found
}

/** Forms send what was not filled in as an empty text. */
function withoutEmpty(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== ''))
}

const invalid = (param: string, detail: string) =>
  new AppError('invalid_value', { param, values: { detail } })
