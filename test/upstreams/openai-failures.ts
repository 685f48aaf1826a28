import type { ImageCall } from './openai-bodies.ts'
import { document, failure, page, type Reply, reply, text } from './openai-reply.ts'

/** Answers without a picture, by name. */
export const FAILURES = {
  'xai-error': () =>
    document({ code: 'Client specified an invalid argument', error: 'Argument not supported: size' }, 400),
  'xai-error-in-200': () =>
    document({ code: 'The service is currently unavailable', error: 'Timed out waiting for first token' }),
  'html-200': () => page(200, '<!DOCTYPE html><html><title>Welcome</title></html>'),
  'html-502': () => page(502, '<html><head><title>502 Bad Gateway</title></head></html>'),
  'html-524': () => page(524, '<!DOCTYPE html><title>example.com | 524: A timeout occurred</title>'),
  'error-in-200': () =>
    document({
      error: {
        message: 'The engine is overloaded',
        type: 'server_error',
        param: null,
        code: 'engine_overloaded',
      },
    }),
  'empty-data': () => document({ created: 1713833628, data: [] }),
  'no-data': () => document({ created: 1713833628 }),
  'not-json': () => reply([text('{"data":[{"b64_json":"')]),
  reset: () => ({ status: 200, body: [], fault: 'reset' }),
  hang: () => ({ status: 200, body: [], fault: 'hang' }),
  '400-invalid-value': () =>
    failure(
      400,
      "Invalid value: '512x512'. Supported values are: '1024x1024'.",
      'invalid_request_error',
      'invalid_value',
      'size',
    ),
  '400-unknown-parameter': () =>
    failure(
      400,
      "Unknown parameter: 'response_format'.",
      'invalid_request_error',
      'unknown_parameter',
      'response_format',
    ),
  'moderation-400': () =>
    failure(
      400,
      'Your request was rejected as a result of our safety system.',
      'image_generation_user_error',
      'moderation_blocked',
    ),
  'moderation-403': () => failure(403, 'The prompt violates our content policy.', 'permission_error', null),
  '401': (call) =>
    failure(
      401,
      `Incorrect API key provided: ${call.request.headers.authorization?.slice(7)}.`,
      'invalid_request_error',
      'invalid_api_key',
    ),
  '403': () => failure(403, 'You are not allowed to use this model.', 'permission_error', null),
  '404-model': () =>
    failure(404, 'The model `x` does not exist.', 'invalid_request_error', 'model_not_found'),
  '429-retry-after': () => ({
    ...failure(429, 'Rate limit reached', 'requests', 'rate_limit_exceeded'),
    headers: { 'retry-after': '7' },
  }),
  '429-soon': () => ({
    ...failure(429, 'Rate limit reached', 'requests', 'rate_limit_exceeded'),
    headers: { 'retry-after': '1' },
  }),
  '429-date': () => ({
    ...failure(429, 'Rate limit reached', 'requests', 'rate_limit_exceeded'),
    headers: { 'retry-after': new Date(Date.now() + 30_000).toUTCString() },
  }),
  '429-reset-header': () => ({
    ...failure(429, 'Rate limit reached', 'requests', 'rate_limit_exceeded'),
    headers: { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1m30s' },
  }),
  '429-quota': () =>
    failure(429, 'You exceeded your current quota', 'insufficient_quota', 'insufficient_quota'),
  '500': () => failure(500, 'The server had an error', 'server_error', null),
  '503': () => failure(503, 'Overloaded', 'server_error', 'overloaded'),
  'new-api-error': () =>
    document(
      {
        error: {
          message: 'no channel available (request id: 2026)',
          type: 'new_api_error',
          param: '',
          code: '',
        },
      },
      503,
    ),
  'upstream-error-number': () =>
    document({ error: { message: 'bad response', type: 'upstream_error', param: '', code: 500 } }, 500),
} satisfies Record<string, (call: Pick<ImageCall, 'request'>) => Reply>
