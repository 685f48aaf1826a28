import type { OutgoingReply } from '../../base/http.ts'
import { cannot } from '../plan-words.ts'
import type { CallContext, Plan, PlanRequest } from '../provider.ts'
import { sendChat } from './chat.ts'
import { failureOf } from './parse.ts'
import { type ImageRequest, isImageRequest, planCalls } from './plan.ts'
import { asDataUrl, type Upstream } from './send.ts'
import type { Traits } from './traits.ts'

/** One call to the chat API of a model that draws. */
export interface ChatDrawing {
  chat: Readonly<Record<string, unknown>>
}

/**
 * Works out the calls for a job to a chat model: one for each picture, since none can be asked for several.
 * @throws ProviderError `bad_param` when the model cannot do it at all
 */
export function planDrawing(request: PlanRequest, traits: Traits): Plan {
  if (!traits.draws) throw cannot('model', `${request.model} does not draw`)
  const { calls, warnings } = planCalls(request, traits)
  return {
    calls: calls.map(({ images, request: image }) => ({
      images,
      request: isImageRequest(image) ? ({ chat: asChat(image, traits) } satisfies ChatDrawing) : image,
    })),
    warnings,
  }
}

/** Whether a call was made by {@link planDrawing}. */
export function isChatDrawing(request: unknown): request is ChatDrawing {
  return typeof request === 'object' && request !== null && 'chat' in request
}

/** Sends a call, and once more without what only some gateways know, when that is why it was refused. */
export async function sendDrawing(
  upstream: Upstream,
  { chat }: ChatDrawing,
  context: CallContext,
): Promise<OutgoingReply> {
  const reply = await sendChat(upstream, chat, context)
  if (reply.status !== 400 && reply.status !== 422) return reply
  const failure = await failureOf(reply, context)
  if (failure.kind !== 'bad_param' || !EXTENSIONS.test(`${failure.param} ${failure.detail}`)) throw failure
  const { modalities: _modalities, image_config: _config, ...plain } = chat
  return await sendChat(upstream, plain, context)
}

const EXTENSIONS = /modalities|image_config/

/** What was worked out for the images API, in the words of the chat API with the extensions of OpenRouter. */
function asChat({ fields, images }: ImageRequest, { modalities, resolutions }: Traits): ChatDrawing['chat'] {
  const { model, prompt, user, aspect_ratio: aspectRatio, resolution } = fields
  // A model with one tier is not told of it: the oldest ones refuse that.
  const tier = resolutions.length > 1 && typeof resolution === 'string' ? resolution.toUpperCase() : undefined
  const config = { aspect_ratio: aspectRatio, ...(tier === undefined ? {} : { image_size: tier }) }
  return {
    model,
    messages: [{ role: 'user', content: contentOf(prompt, images) }],
    modalities,
    ...(aspectRatio === undefined ? {} : { image_config: config }),
    ...(user === undefined ? {} : { user }),
  }
}

/** Words alone are a text: not every upstream takes parts. */
function contentOf(prompt: unknown, images: ImageRequest['images']): unknown {
  if (images.length === 0) return prompt
  const pictures = images.map((picture) => ({ type: 'image_url', image_url: { url: asDataUrl(picture) } }))
  return [{ type: 'text', text: prompt }, ...pictures]
}
