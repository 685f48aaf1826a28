import { document, page, type Reply, reply, text } from './openai-reply.ts'

/** An error in Google's shape. */
export function failure(
  code: number,
  status: string,
  message: string,
  details: readonly unknown[] = [],
): Reply {
  return document({ error: { code, message, status, ...(details.length === 0 ? {} : { details }) } }, code)
}

export function badKey(): Reply {
  return failure(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: 'API_KEY_INVALID',
      domain: 'googleapis.com',
      metadata: { service: 'generativelanguage.googleapis.com' },
    },
  ])
}

const QUOTA_WORDS =
  'You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.'

function spent(quotaIds: readonly string[], retryDelay?: string, more = ''): Reply {
  const violations = quotaIds.map((quotaId) => ({
    quotaMetric: 'generativelanguage.googleapis.com/generate_content_free_tier_requests',
    quotaId,
  }))
  return failure(429, 'RESOURCE_EXHAUSTED', `${QUOTA_WORDS}${more}`, [
    { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations },
    { '@type': 'type.googleapis.com/google.rpc.Help', links: [] },
    ...(retryDelay === undefined
      ? []
      : [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay }]),
  ])
}

const PER_MINUTE = 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier'
const PER_DAY = 'GenerateRequestsPerDayPerProjectPerModel-FreeTier'

/** Answers that say that something went wrong, by name. */
export const FAILURES = {
  '400-key': badKey,
  '400-location': () =>
    failure(400, 'FAILED_PRECONDITION', 'User location is not supported for the API use.'),
  '400-billing': () =>
    failure(400, 'FAILED_PRECONDITION', 'Imagen API is only accessible to billed users at this time.'),
  '400-field': () =>
    failure(
      400,
      'INVALID_ARGUMENT',
      'Invalid JSON payload received. Unknown name "odd" at \'generation_config\': Cannot find field.',
      [
        {
          '@type': 'type.googleapis.com/google.rpc.BadRequest',
          fieldViolations: [{ field: 'generation_config', description: 'Unknown name "odd"' }],
        },
      ],
    ),
  '400-signature': () =>
    failure(
      400,
      'INVALID_ARGUMENT',
      'Image part is missing a thought_signature in content position 2, part position 1.',
    ),
  '400-policy': () =>
    failure(
      400,
      'INVALID_ARGUMENT',
      "The prompt could not be submitted. It may violate Google's Responsible AI practices.",
    ),
  '401': () =>
    failure(
      401,
      'UNAUTHENTICATED',
      'Request had invalid authentication credentials. Expected OAuth 2 access token.',
    ),
  '403': () => failure(403, 'PERMISSION_DENIED', 'The caller does not have permission'),
  '404-model': () =>
    failure(
      404,
      'NOT_FOUND',
      'models/x is not found for API version v1beta, or is not supported for generateContent.',
    ),
  '413': () => failure(413, 'INVALID_ARGUMENT', 'Request payload size exceeds the limit: 20971520 bytes.'),
  '429-minute': () => spent([PER_MINUTE], '27s', ' Please retry in 27.1s.'),
  '429-fraction': () => spent([PER_MINUTE], '27.5s'),
  '429-day': () => spent([PER_MINUTE, PER_DAY], '41s'),
  '429-zero': () => spent([PER_MINUTE], '45s', ' * Quota exceeded for metric: requests, limit: 0, model: x'),
  '429-plain': () => failure(429, 'RESOURCE_EXHAUSTED', 'Resource has been exhausted (e.g. check quota).'),
  '500': () => failure(500, 'INTERNAL', 'An internal error has occurred. Please retry or report it.'),
  '503': () => failure(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.'),
  '504': () => failure(504, 'DEADLINE_EXCEEDED', 'Deadline expired before operation could complete.'),
  'error-array': () =>
    document(
      [{ error: { code: 429, message: 'Resource has been exhausted', status: 'RESOURCE_EXHAUSTED' } }],
      429,
    ),
  'error-in-200': () =>
    document({ error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } }),
  'html-200': () => page(200, '<!DOCTYPE html><html><title>Welcome</title></html>'),
  'html-404': () => page(404, '<!DOCTYPE html><html><title>Error 404 (Not Found)!!1</title></html>'),
  'html-502': () => page(502, '<html><head><title>502 Bad Gateway</title></head></html>'),
  'not-json': () => reply([text('{"candidates":[{"content":{"parts":[{"inlineData":{"data":"')]),
  reset: () => ({ status: 200, body: [], fault: 'reset' }),
  hang: () => ({ status: 200, body: [], fault: 'hang' }),
} satisfies Record<string, () => Reply>
