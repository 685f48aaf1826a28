import type { FastifyRequest } from 'fastify'
import type { ChatRequest } from '../../../contract/openai-chat.ts'
import { readConversation } from './conversation.ts'
import type { Language } from './texts.ts'

/**
 * The language in which the gateway speaks in a chat: the configured one, else the client's first choice of ours, else the
 * one that the user writes in, since programs between him and us often send no `Accept-Language`.
 */
export function languageOf(
  configured: Language | 'auto',
  { headers }: FastifyRequest,
  body: ChatRequest,
): Language {
  if (configured !== 'auto') return configured
  const accepted = /(?:^|,)\s*(zh|en)\b/i.exec(headers['accept-language'] ?? '')?.[1]?.toLowerCase()
  if (accepted === 'zh' || accepted === 'en') return accepted
  return /\p{Script=Han}/u.test(readConversation(body.messages).prompt) ? 'zh' : 'en'
}
