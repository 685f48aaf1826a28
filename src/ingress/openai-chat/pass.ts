import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ImageJob } from '../../../contract/job.ts'
import type { ChatRequest } from '../../../contract/openai-chat.ts'
import { AppError } from '../../base/error.ts'
import { type ChatCandidate, type PassedOn, passOn } from '../../gateway/chat.ts'
import { type ChatAlbum, createChatAlbum } from '../../gateway/chat-album.ts'
import { imageFile, imageUrl } from '../../library/deliver.ts'
import { findImage } from '../../library/find.ts'
import { holdSpool } from '../body.ts'
import { downloadPicture } from '../pictures.ts'
import { sendEvents } from '../send-events.ts'
import { sendJson } from '../send-json.ts'
import { baseUrlOf, type Surface } from '../surface.ts'
import { answerError } from './answer-error.ts'
import { readConversation } from './conversation.ts'
import { type OwnPicture, replaceOwnUrls } from './replace-own-urls.ts'
import type { ChatImageFormat, PictureKeeper } from './rewrite/options.ts'
import { isRecord } from './rewrite/records.ts'
import { rewriteReply } from './rewrite/rewrite-reply.ts'
import { rewriteStream } from './rewrite/rewrite-stream.ts'

export interface PassOptions {
  candidates: readonly ChatCandidate[]
  format: ChatImageFormat
  /** The client's own name for its end user. */
  user: string | undefined
  /** Aborts when the client has gone away. */
  gone: AbortSignal
  /** How a stream ends that broke after its beginning: the chunks that say so. */
  farewell(): Iterable<Uint8Array>
}

/** Lets a chat upstream answer. Its pictures are kept, and links stand where they were. */
export async function pass(
  surface: Surface,
  options: PassOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { gateway } = surface
  const { spool, caller } = request
  const body = request.body as ChatRequest
  const begun = gateway.clock.now()
  const messages = await replaceOwnUrls(body.messages, (id) => ownPicture(surface, id))
  const run = { spool, cancelled: NEVER, abandoned: options.gone }
  const model = body.model ?? options.candidates[0]?.model ?? ''
  const asked = { owner: caller.owner, model, begun }
  const passed = await passOn(gateway, options.candidates, { ...body, messages }, run, asked)
  const { candidate, account } = passed
  const album = createChatAlbum(gateway, {
    caller,
    model,
    jobOf: () => jobOf(body, model, options),
    candidate,
    account,
    reply: passed.reply,
    begun,
  })
  const rewriting = {
    spool,
    keeper: keeperOf(surface, album, request, options.gone),
    format: options.format,
    isStream: passed.reply.isStream,
    failureIn: passed.reply.failureIn,
  }
  if (body.stream) {
    const chunks = untilGone(rewriteStream(passed.reply.body, rewriting), passed, album, request, options)
    return sendEvents(reply, await withFirst(chunks))
  }
  const rewritten = await holdSpool(request, closing(album, rewriteReply(passed.reply.body, rewriting)))
  if ('value' in rewritten) return sendJson(reply, withoutError(rewritten.value))
  return reply.header('content-type', 'application/json; charset=utf-8').send(rewritten.raw)
}

/** The answer, when its album is closed. */
async function closing<T>(album: ChatAlbum, work: Promise<T>): Promise<T> {
  const done = await work.catch(async (error: unknown) => {
    await album.close('failed')
    return answerError(error)
  })
  await album.close('completed')
  return done
}

const NEVER = new AbortController().signal

/** Some upstreams answer 200 and say in the body what went wrong. */
function withoutError(value: unknown): unknown {
  if (!isRecord(value) || !isRecord(value.error) || 'choices' in value) return value
  const { message } = value.error
  const detail = typeof message === 'string' ? message.slice(0, 300) : 'it reported an error.'
  throw new AppError('upstream_error', { values: { detail } })
}

async function ownPicture({ gateway }: Surface, id: string): Promise<OwnPicture | undefined> {
  const image = await findImage(gateway.library, id)
  return image && { picture: await imageFile(gateway.library, image), signature: image.signature }
}

/** What a picture in the answer is kept with: what its author asked for, as far as a conversation says it. */
function jobOf(body: ChatRequest, model: string, { user }: PassOptions): ImageJob {
  const { prompt, references } = readConversation(body.messages)
  return {
    kind: references.length > 0 ? 'edit' : 'generate',
    model,
    prompt,
    n: 1,
    dialect: 'openai',
    ...(user === undefined ? {} : { user }),
  }
}

function keeperOf(
  surface: Surface,
  album: ChatAlbum,
  request: FastifyRequest,
  signal: AbortSignal,
): PictureKeeper {
  const { gateway, settings } = surface
  const baseUrl = baseUrlOf(surface, request)
  const keep: PictureKeeper['keep'] = async (picture, facts) =>
    imageUrl(baseUrl, await album.add(picture, facts), undefined)
  if (!settings.storeUpstreamUrls) return { keep }
  const { spool } = request
  return {
    keep,
    keepUrl: async (url) => {
      try {
        return await keep(await downloadPicture({ http: gateway.http, spool, signal }, url, 'url'), {})
      } catch (error) {
        gateway.log.warn({ reqId: request.id, err: error }, 'a linked picture could not be kept')
        return undefined
      }
    },
  }
}

/** Waits for the first chunk, so that what fails before it can still be an HTTP error. */
async function withFirst(chunks: AsyncGenerator<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const first = await chunks.next()
  return continued(first, chunks)
}

async function* continued(first: IteratorResult<Uint8Array>, rest: AsyncGenerator<Uint8Array>) {
  try {
    if (!first.done) yield first.value
    yield* rest
  } finally {
    await rest.return(undefined)
  }
}

/** A client that goes away ends the upstream at once, unless a picture is just arriving: that one is kept first. */
async function* untilGone(
  chunks: AsyncIterable<Uint8Array>,
  { reply }: PassedOn,
  album: ChatAlbum,
  request: FastifyRequest,
  { gone, farewell }: PassOptions,
): AsyncGenerator<Uint8Array> {
  const ended = Promise.withResolvers<void>()
  void holdSpool(request, ended.promise)
  const leave = () => {
    if (!request.spool.isWriting) reply.discard()
  }
  gone.addEventListener('abort', leave)
  let hasBegun = false
  let how: 'completed' | 'failed' = 'completed'
  try {
    for await (const chunk of chunks) {
      hasBegun = true
      yield chunk
    }
  } catch (error) {
    if (!gone.aborted) how = 'failed'
    if (!hasBegun) await answerError(error)
    yield* farewell()
  } finally {
    gone.removeEventListener('abort', leave)
    reply.discard()
    await album.close(how).finally(ended.resolve)
  }
}
