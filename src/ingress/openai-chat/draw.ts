import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ImageJob } from '../../../contract/job.ts'
import type { ChatRequest } from '../../../contract/openai-chat.ts'
import { AppError } from '../../base/error.ts'
import type { Spooled } from '../../bytes/spooled.ts'
import { accept } from '../../gateway/accept.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import { runNow } from '../../gateway/run.ts'
import { imageFile, imageUrl } from '../../library/deliver.ts'
import { findImage } from '../../library/find.ts'
import { holdSpool } from '../body.ts'
import { mostReferences } from '../most-references.ts'
import { type PictureSource, readPicture } from '../pictures.ts'
import { sendEvents } from '../send-events.ts'
import { sendJson } from '../send-json.ts'
import { baseUrlOf, type Surface } from '../surface.ts'
import type { AnswerFacts } from './chat-chunks.ts'
import { type Conversation, type Reference, readConversation } from './conversation.ts'
import { type ReplyInput, renderReply, renderStream } from './render.ts'
import type { ChatImageFormat } from './rewrite/options.ts'
import type { Language } from './texts.ts'

export interface DrawOptions {
  /** The model that is to draw, or the gateway's alias. */
  model: string
  format: ChatImageFormat
  language: Language
  facts: AnswerFacts
  user: string | undefined
  /** Aborts when the client has gone away. */
  gone: AbortSignal
}

/** Most pictures that one chat message is answered with. */
const MAX_PICTURES = 10

/** Draws what a conversation asks for, and answers as a chat model would that can draw. */
export async function draw(
  surface: Surface,
  options: DrawOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { gateway } = surface
  const body = request.body as ChatRequest
  const conversation = readConversation(body.messages)
  if (conversation.prompt === '') {
    const detail = 'the last message of the user has no text that could be drawn.'
    throw new AppError('invalid_value', { param: 'messages', values: { detail } })
  }
  const asked = jobOf(body, conversation, options, gateway)
  const references = conversation.references.slice(0, mostReferences(gateway, asked))
  const images = await collect(surface, references, request, options.gone)
  const job: ImageJob = { ...asked, kind: images.length > 0 ? 'edit' : 'generate' }
  const accepted = await accept(gateway, {
    job,
    inputs: { images },
    mode: 'sync',
    caller: request.caller,
  })
  const events = gateway.progress.listen(accepted.task.id)
  const run = runNow(gateway, accepted, { spool: request.spool, abandoned: options.gone })
  const finished = holdSpool(request, run)
  const baseUrl = baseUrlOf(surface, request)
  const input: ReplyInput = {
    ...options.facts,
    format: options.format,
    language: options.language,
    link: (image) => imageUrl(baseUrl, image, job.outputFormat),
    file: (image) => imageFile(gateway.library, image),
  }
  if (!body.stream) {
    const result = await finished
    if (result.images.length === 0 && result.task.error) throw result.task.error
    return sendJson(reply, await renderReply(result, input))
  }
  return sendEvents(
    reply,
    renderStream({
      ...input,
      events,
      finished,
      total: job.n,
      thumbnails: references.flatMap((reference) =>
        reference.kind === 'own' ? [`${baseUrl}/images/${reference.id}/thumbnail`] : [],
      ),
      progress: surface.settings.chatProgress,
      includeUsage: body.stream_options?.include_usage === true,
      clock: gateway.clock,
    }),
  )
}

function jobOf(
  body: ChatRequest,
  { prompt, references }: Conversation,
  { model, user }: DrawOptions,
  { settings }: Gateway,
): ImageJob {
  const aspectRatio = body.aspect_ratio ?? (body.size === undefined ? settings.defaultAspectRatio : undefined)
  return {
    kind: references.length > 0 ? 'edit' : 'generate',
    dialect: 'openai',
    model,
    prompt,
    n: Math.min(body.n ?? 1, MAX_PICTURES),
    ...(body.size === undefined ? {} : { size: body.size }),
    ...(aspectRatio === undefined ? {} : { aspectRatio }),
    ...(user === undefined ? {} : { user }),
  }
}

async function collect(
  { gateway, settings }: Surface,
  references: readonly Reference[],
  { spool }: FastifyRequest,
  signal: AbortSignal,
): Promise<Spooled[]> {
  const { library, http } = gateway
  const { allowExternalImages } = settings
  const source = { library, http, spool, allowExternalImages, signal }
  const pictures: Spooled[] = []
  for (const reference of references) pictures.push(...(await toPicture(source, reference)))
  return pictures
}

/** One reference as a checked picture; none for one of ours that is gone. */
async function toPicture(source: PictureSource, reference: Reference): Promise<Spooled[]> {
  if (reference.kind === 'own') {
    const image = await findImage(source.library, reference.id)
    return image ? [await imageFile(source.library, image)] : []
  }
  return [
    await readPicture(source, reference.kind === 'foreign' ? reference.url : reference.picture, 'messages'),
  ]
}
