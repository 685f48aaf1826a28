import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { AppError, toAppError } from '../base/error.ts'
import { BytesError } from '../bytes/bytes-error.ts'
import { languageOf } from './language.ts'

/** How a surface words an error: the body of the reply. */
export type ErrorShape = (error: AppError, request: FastifyRequest) => unknown

/** `/v1`: OpenAI's shape, always English. */
export const openAiShape: ErrorShape = (error) => ({ error: openAiError(error) })

export const openAiError = (error: AppError) => ({
  message: error.message,
  type: error.row.type,
  code: error.upstreamCode ?? error.code,
  param: error.param ?? null,
})

/** `/api/v1` and `/admin`: Chinese unless the client asks for English. General words have the particular ones beside them. */
export const batchShape: ErrorShape = (error, request) => {
  const language = languageOf(request)
  const particular = error.cause instanceof AppError ? error.cause : undefined
  return {
    code: error.row.status,
    message: error.text(language),
    ...(error.param === undefined ? {} : { param: error.param }),
    ...(particular ? { detail: particular.text(language) } : {}),
  }
}

/**
 * An error handler that answers in one surface's shape. What nobody foresaw is logged and told as nothing but `server_error`.
 *
 * @param reword the words of some routes, in place of those of the table
 */
export function errorReply(shape: ErrorShape, reword = (error: AppError): AppError => error) {
  return (thrown: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const error = reword(describe(thrown))
    if (error.row.status === 500 && !hasLeft(request))
      request.log.error({ reqId: request.id, err: error.cause }, 'request failed')
    sendError(reply, error, shape(error, request))
  }
}

/** A client that hangs up while it sends is nobody's fault, and there is nobody to tell of it. */
const hasLeft = ({ raw }: FastifyRequest): boolean => raw.destroyed && !raw.complete

/** Sends an error with everything that belongs to it beside the body: status, reason phrase, `Retry-After`. */
export function sendError(reply: FastifyReply, error: AppError, body: unknown): void {
  reply.raw.statusMessage = error.row.reason
  if (error.retryAfter !== undefined) reply.header('retry-after', wholeSeconds(error.retryAfter))
  letClientFinish(reply)
  reply.code(error.row.status).type('application/json; charset=utf-8').serializer(JSON.stringify).send(body)
}

/** As `Retry-After` has it. */
export const wholeSeconds = (seconds: number): number => Math.max(1, Math.ceil(seconds))

/** How long a refused client may go on sending, in ms. */
const LINGER = 30_000

/** A client that cannot go on sending does not read the answer, so the rest of its body is taken and dropped. */
function letClientFinish(reply: FastifyReply): void {
  const { raw } = reply.request
  if (raw.complete || raw.destroyed) return
  reply.removeHeader('connection')
  raw.resume()
  const timer = setTimeout(() => raw.destroy(), LINGER).unref()
  raw.once('close', () => clearTimeout(timer))
}

/** Any thrown value in the terms of the error table; what the HTTP layer refuses by itself included. */
function describe(thrown: unknown): AppError {
  if (thrown instanceof BytesError) return fromBytesError(thrown)
  if (isFastifyError(thrown)) return fromFastifyError(thrown)
  return toAppError(thrown)
}

function fromBytesError(error: BytesError): AppError {
  const param = error.param === undefined ? {} : { param: error.param }
  const options = { ...param, values: { detail: error.detail }, cause: error }
  switch (error.kind) {
    case 'invalid_json':
    case 'truncated':
      return new AppError(error.param === undefined ? 'invalid_json' : 'invalid_image', options)
    case 'invalid_base64':
      return new AppError('invalid_image', { ...options, param: error.param ?? 'image' })
    case 'too_large':
      return error.param === undefined
        ? new AppError('request_too_large', options)
        : new AppError('image_too_large', options)
    case 'too_many':
    case 'invalid_multipart':
      return new AppError('invalid_value', { ...options, param: error.param ?? 'body' })
    case 'encoding':
      return new AppError('invalid_value', { ...options, param: 'Content-Encoding' })
    default:
      return new AppError('invalid_image', { ...options, param: error.param ?? 'image' })
  }
}

const isFastifyError = (error: unknown): error is FastifyError =>
  error instanceof Error && typeof (error as FastifyError).statusCode === 'number' && 'code' in error

function fromFastifyError(error: FastifyError): AppError {
  const problem = mostTelling(error.validation ?? [])
  if (problem) return fromValidation(problem)
  if (error.statusCode === 415) {
    return new AppError('unsupported_media_type', {
      values: { got: '', expected: 'application/json or multipart/form-data' },
      cause: error,
    })
  }
  if (error.statusCode === 413)
    return new AppError('request_too_large', { values: { detail: error.message }, cause: error })
  if ((error.statusCode ?? 500) < 500) {
    return new AppError('invalid_value', {
      param: 'request',
      values: { detail: error.message },
      cause: error,
    })
  }
  return toAppError(error)
}

type Problem = NonNullable<FastifyError['validation']>[number]

/** Where several forms of a value are allowed, the first problem only says that it is not of the first form. */
const mostTelling = (problems: readonly Problem[]): Problem | undefined =>
  problems.find(({ keyword }) => keyword !== 'type' && keyword !== 'anyOf') ?? problems[0]

function fromValidation({ instancePath, keyword, params, message = '' }: Problem): AppError {
  const path = instancePath
    .slice(1)
    .replaceAll(/\/(\d+)/g, '[$1]')
    .replaceAll('/', '.')
  switch (keyword) {
    case 'required':
      return new AppError('missing_required_parameter', {
        param: joined(path, String(params.missingProperty)),
      })
    case 'enum': {
      const allowed = (params.allowedValues as unknown[]).map((value) => `'${value}'`).join(', ')
      return invalid(path, `it must be one of ${allowed}.`)
    }
    case 'pattern':
      return invalid(path, PATTERN_HINTS[path] ?? `it ${message}.`)
    case 'minLength':
      return invalid(
        path,
        params.limit === 1 ? 'it must not be empty.' : `it must have at least ${params.limit} characters.`,
      )
    case 'maxLength':
      return new AppError('string_above_max_length', {
        param: path,
        values: { got: `more than ${params.limit}`, max: Number(params.limit) },
      })
    default:
      return invalid(path || 'body', `it ${message}.`)
  }
}

const PATTERN_HINTS: Record<string, string> = {
  username: 'it must have no control characters, and no white space at either end.',
  size: "it must be 'auto' or 'WIDTHxHEIGHT' in pixels, each side from 16 to 8192, such as '1024x1024'.",
}

const joined = (path: string, name: string) => (path === '' ? name : `${path}.${name}`)

const invalid = (param: string, detail: string) =>
  new AppError('invalid_value', { param, values: { detail } })
