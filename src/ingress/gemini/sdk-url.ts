import type { IncomingHttpHeaders } from 'node:http'

/**
 * Where a request is meant to go. Google's newer SDKs say `/v1` for what older ones call `/v1beta`, which is also where OpenAI's
 * models are. Only Google's clients send `x-goog-api-key` or put a method behind the name of a model, so these are told apart.
 */
export function geminiUrl(url: string, headers: IncomingHttpHeaders): string {
  if (!/^\/v1\/models(?:[/?]|$)/.test(url)) return url
  return headers['x-goog-api-key'] !== undefined || METHOD.test(url) ? url.replace('/v1/', '/v1beta/') : url
}

const METHOD = /^[^?]*:(?:generateContent|streamGenerateContent|predict|countTokens)(?:\?|$)/
