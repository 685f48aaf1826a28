import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { OpenAiError } from '../../../contract/openai-images.ts'
import { CacheCleared, CacheStatistics, TranslateReply, TranslateRequest } from '../../../contract/prompts.ts'
import { asClientError } from '../../gateway/failure.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import { detectLanguage } from '../../gateway/translation/detect-language.ts'
import { translatePrompt } from '../../gateway/translation/translate-prompt.ts'
import { departure, holdSpool } from '../body.ts'

const errors = { '4xx': OpenAiError, '5xx': OpenAiError }
const tags = ['Prompts']

/** `/v1/prompts/{translate,cache-stats,clear-cache}`. */
export function promptRoutes(app: FastifyInstance, gateway: Gateway): void {
  const { translations } = gateway
  app.post(
    '/prompts/translate',
    {
      schema: {
        tags,
        summary: 'Translate a prompt into English, and make it more vivid',
        body: TranslateRequest,
        response: { 200: TranslateReply, ...errors },
      },
    },
    (request, reply) => holdSpool(request, translate(gateway, request, reply)),
  )
  app.get(
    '/prompts/cache-stats',
    {
      schema: {
        tags,
        summary: 'How the cache of translated prompts does',
        response: { 200: CacheStatistics, ...errors },
      },
    },
    async () => {
      const { size, hits, misses, keys } = await translations.statistics()
      return { cache_size: size, hits, misses, cache_entries: keys }
    },
  )
  app.post(
    '/prompts/clear-cache',
    {
      schema: { tags, summary: 'Forget every translated prompt', response: { 200: CacheCleared, ...errors } },
    },
    async () => ({
      success: true,
      message: `Cache cleared, ${await translations.clear()} entries removed`,
    }),
  )
}

/** A prompt that could not be translated is answered as it is; only a missing model is an error. */
async function translate(gateway: Gateway, request: FastifyRequest, reply: FastifyReply) {
  const { prompt, enhance = true, force = false } = request.body as TranslateRequest
  const run = { spool: request.spool, cancelled: NEVER, abandoned: departure(reply) }
  try {
    return await translatePrompt(gateway, { prompt, enhance, force }, run)
  } catch (error) {
    const { code, message } = asClientError(error)
    if (code === 'translation_not_configured' || code === 'job_cancelled') throw error
    gateway.log.warn({ err: error }, 'a prompt was not translated')
    const language = detectLanguage(prompt)
    return {
      original: prompt,
      translated: prompt,
      language,
      enhanced: false,
      cached: false,
      warning: `The prompt was not translated: ${message}`,
    }
  }
}

const NEVER = new AbortController().signal
