import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { toAppError } from '../../base/error.ts'
import { writeJson } from '../../bytes/write-json.ts'
import type { Accepted } from '../../gateway/accept.ts'
import type { Finished } from '../../gateway/generate.ts'
import { route } from '../../gateway/route.ts'
import { runLater, runNow, waitForTask } from '../../gateway/run.ts'
import type { TaskEvent } from '../../tasks/progress.ts'
import type { TaskRecord } from '../../tasks/task-table.ts'
import { holdSpool } from '../body.ts'
import { openAiShape } from '../error-reply.ts'
import { sendEvents } from '../send-events.ts'
import { sendJson } from '../send-json.ts'
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
  const { task, repeated } = accepted
  const form = formOf(surface, task, stream, request)
  // Before the run begins, so that nothing is missed.
  const events = stream && !repeated ? listenTwice(surface, task) : undefined
  // Whoever sent a key can come back for the answer, so the run goes on without him.
  const abandoned = task.idempotencyKey === undefined ? gone : NEVER
  const finished = holdSpool(
    request,
    repeated
      ? waitForTask(gateway, task, gone)
      : runNow(gateway, accepted, { spool: request.spool, abandoned }),
  )
  if (events) {
    const succeeded = finished.then(throwIfFailed)
    await Promise.race([succeeded, firstPicture(events.first, succeeded), sleep(PATIENCE)])
    return sendEvents(reply, toEvents(gateway.library, task, events.all, finished, form))
  }
  if (stream) return sendEvents(reply, replayEvents(gateway.library, throwIfFailed(await finished), form))
  if (settings.keepAliveJson && (await isSlow(finished)))
    return sendKeptAlive(surface, reply, finished, form, request)
  return sendJson(reply, await toReply(gateway.library, throwIfFailed(await finished), form))
}

const NEVER = new AbortController().signal

/** How long a stream waits with its first byte, in ms, so that a quick refusal can still be a plain HTTP error. */
const PATIENCE = 2000

/** When a silent JSON reply begins to send white space, and how often, in ms. */
const SILENCE = 25_000
const WHITE_SPACE_EVERY = 10_000

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

function throwIfFailed(finished: Finished): Finished {
  if (finished.images.length === 0 && finished.task.error) throw finished.task.error
  return finished
}

const listenTwice = ({ gateway }: Surface, task: TaskRecord) => ({
  first: gateway.progress.listen(task.id),
  all: gateway.progress.listen(task.id),
})

/** The events end a moment before the run does, so without a picture the run has the last word. */
async function firstPicture(events: AsyncIterable<TaskEvent>, succeeded: Promise<unknown>): Promise<void> {
  for await (const event of events) if (event.type === 'partial' || event.type === 'image') return
  await succeeded
}

async function isSlow(finished: Promise<unknown>): Promise<boolean> {
  const settled = finished.then(
    () => false,
    () => false,
  )
  return Promise.race([settled, sleep(SILENCE, true, { ref: false })])
}

/** A status has been promised by now, so a failure can only be told in the body. */
function sendKeptAlive(
  { gateway }: Surface,
  reply: FastifyReply,
  finished: Promise<Finished>,
  form: Form,
  request: FastifyRequest,
) {
  const body = finished
    .then((result) => toReply(gateway.library, throwIfFailed(result), form))
    .catch((error: unknown) => openAiShape(toAppError(error), request))
  reply.header('content-type', 'application/json; charset=utf-8')
  return reply.send(Readable.from(afterWhiteSpace(body), { objectMode: false }))
}

async function* afterWhiteSpace(body: Promise<unknown>): AsyncIterable<Uint8Array> {
  let done = false
  void body.finally(() => {
    done = true
  })
  while (!done) {
    yield Buffer.from(' ')
    await Promise.race([body, sleep(WHITE_SPACE_EVERY, undefined, { ref: false })])
  }
  yield* writeJson(await body).chunks()
}
