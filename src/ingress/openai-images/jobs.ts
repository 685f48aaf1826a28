import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import {
  ImageJobReply,
  OpenAiError,
  RESPONSE_FORMATS,
  type ResponseFormat,
} from '../../../contract/openai-images.ts'
import { AppError } from '../../base/error.ts'
import { isId } from '../../base/id.ts'
import { isFinal } from '../../gateway/accept.ts'
import { cancelTask, loadWithImages, waitForTask } from '../../gateway/run.ts'
import { sendJson } from '../send-json.ts'
import { baseUrlOf, type Surface } from '../surface.ts'
import { toJobReply } from './job-reply.ts'

/** How long the answer to a cancellation waits for the end of the run, in ms. */
const PATIENCE = 3000

const Params = Type.Object({ id: Type.String() })
const Query = Type.Object({ response_format: Type.Optional(Type.Enum([...RESPONSE_FORMATS])) })

/** `GET` and `DELETE /v1/images/jobs/{id}`. */
export function jobRoutes(app: FastifyInstance, surface: Surface): void {
  const { gateway } = surface
  const common = { tags: ['Images'], params: Params, response: { 200: ImageJobReply, '4xx': OpenAiError } }

  app.get(
    '/images/jobs/:id',
    {
      schema: {
        ...common,
        summary: 'How an async job stands, with its pictures when it is done',
        querystring: Query,
      },
    },
    async (request, reply) => {
      const finished = await load(surface, request)
      const asked = (request.query as { response_format?: ResponseFormat }).response_format
      const format = asked ?? finished.task.job.responseFormat ?? request.caller.imagesFormat ?? 'url'
      const form = { format, baseUrl: baseUrlOf(surface, request) }
      return sendJson(reply, await toJobReply(gateway.library, finished, form))
    },
  )

  app.delete(
    '/images/jobs/:id',
    { schema: { ...common, summary: 'Cancel a job; pictures that have arrived stay' } },
    async (request, reply) => {
      const { task } = await load(surface, request)
      if (!isFinal(task)) {
        await cancelTask(gateway, task)
        // A run takes a moment to end after it was told to; one that takes longer is answered as it stands.
        await waitForTask(gateway, task, AbortSignal.timeout(PATIENCE)).catch(() => undefined)
      }
      const form = { format: 'url' as const, baseUrl: baseUrlOf(surface, request) }
      return sendJson(reply, await toJobReply(gateway.library, await load(surface, request), form))
    },
  )
}

async function load(surface: Surface, request: FastifyRequest) {
  const { id } = request.params as { id: string }
  const found = isId(id) ? await loadWithImages(surface.gateway, request.caller.owner, id) : undefined
  if (found === undefined || found.task.mode !== 'async') throw new AppError('job_not_found')
  return found
}
