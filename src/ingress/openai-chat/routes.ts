import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ChatRequest } from '../../../contract/openai-chat.ts'
import { OpenAiError } from '../../../contract/openai-images.ts'
import { newId } from '../../base/id.ts'
import { checkChat } from '../../gateway/limits.ts'
import { departure } from '../body.ts'
import type { Surface } from '../surface.ts'
import { draw } from './draw.ts'
import { userOf } from './forwarded-user.ts'
import { languageOf } from './language.ts'
import { pass } from './pass.ts'
import { renderBreak } from './render.ts'
import { chooseRoad, wantsImages } from './road.ts'

/** `POST /v1/chat/completions`. */
export function chatRoutes(app: FastifyInstance, surface: Surface): void {
  app.post(
    '/chat/completions',
    {
      schema: {
        tags: ['Chat'],
        summary: 'Chat with a model that draws, or pass a chat on to one that writes',
        description:
          'Answers in OpenAI’s form, as JSON or as a stream of `chat.completion.chunk`. Pictures are kept and stand in the answer as links.',
        body: ChatRequest,
        response: { '4xx': OpenAiError, '5xx': OpenAiError },
      },
    },
    (request, reply) => answer(surface, request, reply),
  )
}

async function answer(surface: Surface, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { gateway, settings } = surface
  const body = request.body as ChatRequest
  const road = chooseRoad(gateway, settings, body, request.caller.accountPool)
  const model = body.model ?? gateway.settings.alias
  const facts = { id: `chatcmpl-${newId()}`, model, created: Math.floor(gateway.clock.now() / 1000) }
  const language = () => languageOf(settings.chatLanguage, request, body)
  const common = {
    format: formOf(surface, body),
    user: userOf(request),
    gone: departure(reply),
  }
  if (road.kind === 'draw')
    return draw(surface, { ...common, model: road.model, language: language(), facts }, request, reply)
  await checkChat(gateway, request.caller, model, road.candidates)
  const farewell = () => renderBreak(facts, language())
  return pass(surface, { ...common, candidates: road.candidates, farewell }, request, reply)
}

/** Who asks for pictures as parts gets them, whatever the default. */
function formOf({ settings }: Surface, body: ChatRequest) {
  return settings.chatImageFormat === 'markdown' && wantsImages(body) ? 'parts' : settings.chatImageFormat
}
