import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Accepted } from '../../gateway/accept.ts'
import { route } from '../../gateway/route.ts'
import { runLater } from '../../gateway/run.ts'
import type { TaskRecord } from '../../tasks/task-table.ts'
import { openAiShape } from '../error-reply.ts'
import { sendWhenReady } from '../keep-alive.ts'
import { performTask, throwIfFailed, watchTask } from '../perform-task.ts'
import { sendEvents } from '../send-events.ts'
import { baseUrlOf, type Surface } from '../surface.ts'
import { toJobReply } from './job-reply.ts'
import { type Form, toReply } from './reply.ts'
import { replayEvents, toEvents } from './stream.ts'

/** Answers 202 with a job to poll. */
export async function answerWithJob(
  surface: Surface,
  accepted: Accepted,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const { task, repeated } = accepted
  if (!repeated) await runLater(surface.gateway, task)
  const baseUrl = baseUrlOf(surface, request)
  const body = await toJobReply(surface.gateway.library, { task, images: [] }, { format: 'url', baseUrl })
  return reply.code(202).header('location', body.url).header('preference-applied', 'respond-async').send(body)
}

/** Runs the task while the client waits, or joins the run of the same request sent before, and answers with its pictures. */
export async function answerNow(
  surface: Surface,
  accepted: Accepted,
  { stream, gone }: { stream: boolean; gone: AbortSignal },
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const { gateway, settings } = surface
  const { library } = gateway
  const { task, repeated } = accepted
  const form = formOf(surface, task, stream, request)
  const watch = stream && !repeated ? watchTask(gateway, task) : undefined
  const finished = performTask(gateway, accepted, gone, request)
  if (watch) {
    await watch.begun(finished)
    return sendEvents(reply, toEvents(library, task, watch.events, finished, form))
  }
  if (stream) return sendEvents(reply, replayEvents(library, throwIfFailed(await finished), form))
  const body = finished.then((result) => toReply(library, throwIfFailed(result), form))
  return sendWhenReady(body, { keepAlive: settings.keepAliveJson, shape: openAiShape }, request, reply)
}

function formOf(surface: Surface, task: TaskRecord, stream: boolean, request: FastifyRequest): Form {
  const baseUrl = baseUrlOf(surface, request)
  const chosen = task.job.responseFormat ?? request.caller.imagesFormat
  if (chosen) return { format: chosen, baseUrl }
  if (stream) return { format: 'both', baseUrl }
  return { format: base64Only(surface, task) ? 'b64_json' : surface.settings.imagesDefaultFormat, baseUrl }
}

/** Clients of models whose own API never gives a URL do not look for one. */
function base64Only({ gateway }: Surface, { job }: TaskRecord): boolean {
  if (job.model === gateway.settings.alias) return false
  const [first] = route(gateway, job).candidates
  return first?.capabilities.base64Only === true
}
