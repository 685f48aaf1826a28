import type { FastifyReply, FastifyRequest } from 'fastify'
import type { GenerateContentRequest, PredictRequest } from '../../../contract/gemini.ts'
import type { ImageJob } from '../../../contract/job.ts'
import type { Caller } from '../../access/keys.ts'
import { AppError } from '../../base/error.ts'
import { type Accepted, accept } from '../../gateway/accept.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import { checkAllowed } from '../../gateway/limits.ts'
import type { Inputs } from '../../providers/provider.ts'
import { departure } from '../body.ts'
import { geminiShape } from '../gemini-error.ts'
import { idempotencyKeyOf } from '../idempotency-key.ts'
import { sendWhenReady } from '../keep-alive.ts'
import { mostReferences } from '../most-references.ts'
import { performTask, throwIfFailed, watchTask } from '../perform-task.ts'
import { publicModels } from '../public-models.ts'
import { sendEvents, sendParts } from '../send-events.ts'
import { baseUrlOf, type Surface } from '../surface.ts'
import { type Conversation, type Reference, readConversation } from './conversation.ts'
import { collectInputs, type Wanted } from './inputs.ts'
import { type JobDefaults, toContentJob, toPredictJob, unknownParameters, withKind } from './job.ts'
import { modelOf } from './model-path.ts'
import { draws } from './models.ts'
import { toPredictReply } from './predict-reply.ts'
import { type Form, toContentReply } from './reply.ts'
import { asArray, asEvents, replayChunks, toChunks } from './stream.ts'

/** Answers `generateContent`. */
export async function generateContent(surface: Surface, request: FastifyRequest, reply: FastifyReply) {
  const gone = departure(reply)
  const accepted = await acceptContent(surface, request, gone)
  const { library } = surface.gateway
  const form = formOf(surface, request)
  const body = performTask(surface.gateway, accepted, gone, request).then((finished) =>
    toContentReply(library, throwIfFailed(finished), form),
  )
  return sendWhenReady(body, slowAnswer(surface), request, reply)
}

/** Answers `streamGenerateContent`, as server-sent events or as a JSON array. */
export async function streamContent(surface: Surface, request: FastifyRequest, reply: FastifyReply) {
  const gone = departure(reply)
  const accepted = await acceptContent(surface, request, gone)
  const { gateway } = surface
  const { library } = gateway
  const { task, repeated } = accepted
  const form = formOf(surface, request)
  const watch = repeated ? undefined : watchTask(gateway, task)
  const finished = performTask(gateway, accepted, gone, request)
  await watch?.begun(finished)
  const chunks = watch
    ? toChunks(library, task, watch.events, finished, form)
    : replayChunks(library, throwIfFailed(await finished), form)
  const { alt } = request.query as { alt?: string }
  return alt === 'sse' ? sendEvents(reply, asEvents(chunks)) : sendParts(reply, asArray(chunks))
}

/** Answers `predict`. */
export async function predict(surface: Surface, request: FastifyRequest, reply: FastifyReply) {
  const gone = departure(reply)
  const body = request.body as PredictRequest
  const job = toPredictJob(body, defaultsOf(surface.gateway, request))
  const inputs = await collectInputs(surface, { references: pictureOf(body) }, request, gone)
  const accepted = await acceptJob(surface, job, inputs, request)
  const { library } = surface.gateway
  const filtered = body.parameters?.includeRaiReason === true
  const form = { ...formOf(surface, request), filtered, warnings: unknownParameters(body) }
  const answer = performTask(surface.gateway, accepted, gone, request).then((finished) =>
    toPredictReply(library, throwIfFailed(finished), form),
  )
  return sendWhenReady(answer, slowAnswer(surface), request, reply)
}

async function acceptContent(
  surface: Surface,
  request: FastifyRequest,
  gone: AbortSignal,
): Promise<Accepted> {
  const body = request.body as GenerateContentRequest
  const defaults = defaultsOf(surface.gateway, request)
  const conversation = readConversation(body.contents)
  const job = toContentJob(body, conversation.prompt, defaults)
  const wanted = fitting(surface.gateway, job, conversation)
  return acceptJob(surface, job, await collectInputs(surface, wanted, request, gone), request)
}

/** What was drawn earlier goes along as far as the model takes it; what the user sends now must be taken, or is refused. */
function fitting(gateway: Gateway, job: ImageJob, { references, inherited }: Conversation): Wanted {
  if (!inherited || references.length === 0) return { references }
  return { references, most: mostReferences(gateway, job) }
}

function acceptJob(surface: Surface, job: ImageJob, inputs: Inputs, request: FastifyRequest) {
  return accept(surface.gateway, {
    job: withKind(job, inputs.images.length),
    inputs,
    mode: 'sync',
    caller: request.caller,
    idempotencyKey: idempotencyKeyOf(request),
  })
}

function defaultsOf(gateway: Gateway, request: FastifyRequest): JobDefaults {
  const model = modelOf(request)
  checkAllowed(gateway, request.caller, model)
  checkDraws(gateway, request.caller, model)
  return { model, aspectRatio: gateway.settings.defaultAspectRatio }
}

/** Nothing but drawing is done here, so a model that only writes is refused at once, with the names of better ones. */
function checkDraws(gateway: Gateway, caller: Caller, model: string): void {
  if (draws(gateway, model) || gateway.providers.serving(model).length === 0) return
  const better = publicModels(gateway, caller).filter(({ id }) => draws(gateway, id))
  const names = better.slice(0, MOST_NAMES).map(({ id }) => id)
  const detail = `it only writes. These draw: ${names.join(', ')}${better.length > MOST_NAMES ? ', …' : ''}.`
  throw new AppError('unsupported_operation', { param: 'model', values: { model, detail } })
}

const MOST_NAMES = 10

function pictureOf({ instances: [instance] }: PredictRequest): Reference[] {
  for (const name of ['mask', 'referenceImages']) {
    if (instance && name in instance) {
      const detail = 'it is not taken here; send the picture to change as instances[0].image.'
      throw new AppError('invalid_value', { param: `instances[0].${name}`, values: { detail } })
    }
  }
  if (instance?.image)
    return [{ value: instance.image.bytesBase64Encoded, param: 'instances[0].image.bytesBase64Encoded' }]
  if (instance?.prompt?.trim()) return []
  throw new AppError('missing_required_parameter', { param: 'instances[0].prompt' })
}

const formOf = (surface: Surface, request: FastifyRequest): Form => ({
  linksOnly: (request.query as { images?: string }).images === 'url',
  baseUrl: baseUrlOf(surface, request),
})

const slowAnswer = ({ settings }: Surface) => ({ keepAlive: settings.keepAliveJson, shape: geminiShape })
