import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ImageJob } from '../../../contract/job.ts'
import {
  EditModeRequest,
  EditRequest,
  GenerationRequest,
  ImageJobReply,
  ImagesReply,
  OpenAiError,
  VariationRequest,
} from '../../../contract/openai-images.ts'
import { AppError } from '../../base/error.ts'
import { accept, type Submission } from '../../gateway/accept.ts'
import { roomFor } from '../../gateway/run.ts'
import type { Inputs } from '../../providers/provider.ts'
import { departure, holdSpool } from '../body.ts'
import { idempotencyKeyOf } from '../idempotency-key.ts'
import { type PictureFields, readInputs } from '../pictures.ts'
import type { Surface } from '../surface.ts'
import { answerNow, answerWithJob } from './answer.ts'
import { type Body, type JobDefaults, toJob } from './codec.ts'
import { checkEditInputs, toEditJob } from './edit-mode.ts'

const response = { 200: ImagesReply, 202: ImageJobReply, '4xx': OpenAiError, '5xx': OpenAiError }
const consumes = ['multipart/form-data', 'application/json']

/** `POST /v1/images/{generations,edits,edit,variations}`. */
export function imageRoutes(app: FastifyInstance, surface: Surface): void {
  app.post(
    '/images/generations',
    { schema: { tags: ['Images'], summary: 'Draw pictures from words', body: GenerationRequest, response } },
    (request, reply) => holdSpool(request, perform(surface, jobOf('generate'), request, reply)),
  )
  app.post(
    '/images/edits',
    {
      schema: {
        tags: ['Images'],
        summary: 'Change or combine pictures',
        consumes,
        body: EditRequest,
        response,
      },
    },
    (request, reply) => holdSpool(request, perform(surface, jobOf('edit'), request, reply)),
  )
  app.post(
    '/images/edit',
    {
      schema: {
        tags: ['Images'],
        summary: 'Change a picture in one of four modes',
        consumes,
        body: EditModeRequest,
        response,
      },
    },
    (request, reply) => holdSpool(request, perform(surface, toEditJob, request, reply)),
  )
  app.post(
    '/images/variations',
    {
      schema: {
        tags: ['Images'],
        summary: 'Draw variations of a picture',
        consumes,
        body: VariationRequest,
        response,
      },
    },
    (request, reply) => holdSpool(request, perform(surface, jobOf('variation'), request, reply)),
  )
}

const jobOf =
  (kind: ImageJob['kind']) =>
  (body: Body, defaults: JobDefaults): ImageJob =>
    toJob(kind, body, defaults)

async function perform(
  surface: Surface,
  readJob: (body: Body, defaults: JobDefaults) => ImageJob,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const body = request.body as Body
  const gone = departure(reply)
  const job = readJob(body, {
    model: surface.gateway.settings.alias,
    aspectRatio: surface.gateway.settings.defaultAspectRatio,
  })
  const submission: Submission = {
    job,
    inputs: job.kind === 'generate' ? { images: [] } : await inputsOf(surface, request, gone),
    mode: wantsJob(request, body) ? 'async' : 'sync',
    caller: request.caller,
    idempotencyKey: idempotencyKeyOf(request),
    webhookUrl: webhookOf(surface, body),
  }
  checkEditInputs(job, submission.inputs)
  if (submission.mode === 'async' && (await roomFor(surface.gateway, job.n)) < job.n)
    throw new AppError('queue_full', { retryAfter: 30 })
  const accepted = await accept(surface.gateway, submission)
  if (submission.mode === 'async') return answerWithJob(surface, accepted, request, reply)
  return answerNow(surface, accepted, { stream: body.stream === true, gone }, request, reply)
}

function inputsOf(
  { gateway, settings }: Surface,
  request: FastifyRequest,
  signal: AbortSignal,
): Promise<Inputs> {
  const { allowExternalImages } = settings
  const { library, http } = gateway
  return readInputs(
    { library, http, spool: request.spool, allowExternalImages, signal },
    request.body as PictureFields,
  )
}

function wantsJob(request: FastifyRequest, body: Body): boolean {
  const wants = body.async === true || /(^|,)\s*respond-async\b/i.test(String(request.headers.prefer ?? ''))
  if (wants && body.stream) {
    throw new AppError('invalid_value', {
      param: 'stream',
      values: { detail: 'an async job cannot be streamed.' },
    })
  }
  if (!wants && body.webhook_url !== undefined) {
    throw new AppError('invalid_value', {
      param: 'webhook_url',
      values: { detail: "it needs 'async': true." },
    })
  }
  return wants
}

function webhookOf(surface: Surface, body: Body): string | undefined {
  if (body.webhook_url === undefined) return undefined
  if (surface.settings.webhookSecret === undefined)
    throw new AppError('webhook_not_configured', { param: 'webhook_url' })
  return body.webhook_url
}
