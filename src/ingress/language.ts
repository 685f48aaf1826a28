import type { FastifyRequest } from 'fastify'

export type Language = 'zh' | 'en'

/** The language of a request under `/api/v1` or `/admin`: Chinese unless the client asks for English. */
export const languageOf = ({ headers }: Pick<FastifyRequest, 'headers'>): Language =>
  /^\s*en/i.test(headers['accept-language'] ?? '') ? 'en' : 'zh'
