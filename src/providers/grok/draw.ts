import type { OutgoingSocket } from '../../base/socket.ts'
import { BytesError } from '../../bytes/bytes-error.ts'
import { MessageReader } from '../../bytes/read-message.ts'
import type { CallContext, ImageEvent } from '../provider.ts'
import { ProviderError } from '../provider-error.ts'
import { type Collector, createCollector } from './collector.ts'
import { type Circumstances, closed, refused, toFailure } from './failure.ts'
import { type Frame, type PictureFrame, readFrame, type StatusFrame } from './frame.ts'
import { type GrokRequest, messagesOf } from './request.ts'
import { createPatience, type Patience, type Timings } from './timings.ts'

/** Where and how the upstream is reached. */
export interface Upstream {
  /** `wss://…` or `ws://…`. */
  url: string
  /** For accounts that have none of their own. */
  proxyUrl: string | undefined
  timings: Timings
}

/** What happens on one socket. */
interface Conversation {
  upstream: Upstream
  request: GrokRequest
  context: CallContext
  patience: Patience
  collector: Collector
  /** What was wrong with a message that could not be read. */
  flaw?: BytesError
}

/** A frame is a picture of some megabytes at most; what is longer is none. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024
const MAX_PICTURE_BYTES = 48 * 1024 * 1024
/** Twice the longest prompt in UTF-8, with all else that a frame says. */
const MAX_TEXT_BYTES = 512 * 1024

/**
 * Has pictures drawn over one socket. It ends when all wanted pictures are there, when nothing more can come, or when
 * the upstream was waited for long enough; what is missing then is the error.
 */
export async function* draw(
  upstream: Upstream,
  request: GrokRequest,
  context: CallContext,
): AsyncIterable<ImageEvent> {
  const patience = createPatience(context.signal, upstream.timings)
  const collector = createCollector(request)
  const conversation: Conversation = { upstream, request, context, patience, collector }
  let failure: unknown
  try {
    for await (const frame of converse(conversation)) {
      yield* collector.take(frame)
      if (collector.isDone) break
      patience.await(collector.awaited)
    }
  } catch (error) {
    failure = toFailure(error, circumstancesOf(conversation))
    if (!(failure instanceof ProviderError)) throw failure
  } finally {
    patience.release()
  }
  const { events, missing } = collector.finish(patience.expired === 'final' || patience.expired === 'rest')
  yield* events
  if (missing > 0) throw failure ?? undrawn(missing, request.images)
}

function circumstancesOf({ context, collector, patience, flaw }: Conversation): Circumstances {
  return {
    signal: context.signal,
    secret: context.account.secret,
    isStarted: collector.awaited !== 'start',
    expired: patience.expired,
    flaw,
  }
}

/** The frames about pictures, in the order in which they come. Throws at the end, whatever it was. */
async function* converse(conversation: Conversation): AsyncGenerator<PictureFrame | StatusFrame, never> {
  const { request, context, collector } = conversation
  const { spool, account } = context
  const reader = new MessageReader({ spool, maxText: MAX_TEXT_BYTES, maxPicture: MAX_PICTURE_BYTES })
  const socket = await connect(conversation)
  try {
    for (const message of messagesOf(request)) socket.send(message)
    for await (const frame of readFrames(socket, reader, conversation)) {
      if (frame instanceof BytesError) conversation.flaw = frame
      else if (frame.type === 'refusal') throw refused(frame, account.secret)
      else yield frame
    }
    throw closed(socket.end, account.secret, collector.awaited !== 'start')
  } finally {
    socket.close()
    await reader.abort()
  }
}

async function connect({ upstream, context, patience }: Conversation): Promise<OutgoingSocket> {
  const { http, account } = context
  const socket = await http.socket({
    url: upstream.url,
    headers: {
      cookie: `sso=${account.secret}; sso-rw=${account.secret}`,
      // The only site that the upstream takes WebSockets from.
      origin: 'https://grok.com',
    },
    signal: patience.signal,
    connectTimeout: upstream.timings.connect,
    trust: 'operator',
    proxyUrl: account.proxyUrl ?? upstream.proxyUrl,
    maxMessageBytes: MAX_MESSAGE_BYTES,
  })
  patience.await('start')
  return socket
}

/** What of the messages matters; a BytesError in place of one that cannot be read, which costs only its picture. */
async function* readFrames(
  socket: OutgoingSocket,
  reader: MessageReader,
  { context, patience }: Conversation,
): AsyncIterable<Frame | BytesError> {
  for await (const { bytes, ends } of socket) {
    if (!ends) patience.refresh()
    const message = await reader.push(bytes, ends)
    if (message === undefined) continue
    if ('flaw' in message) yield message.flaw
    else {
      const frame = await readFrame(message.value, context.spool).catch(onlyBytesError)
      if (frame !== undefined) yield frame
    }
  }
}

function onlyBytesError(error: unknown): BytesError {
  if (error instanceof BytesError) return error
  throw error
}

function undrawn(missing: number, wanted: number): ProviderError {
  return new ProviderError('upstream_bug', { detail: `it could not draw ${missing} of ${wanted} pictures.` })
}
