import type { Socket } from 'node:net'
import type { ConnectionError } from 'fastify'
import { AppError } from '../base/error.ts'
import { openAiError } from './error-reply.ts'

/**
 * Answers what never became a request: broken HTTP, headers without end, a body that does not come. Which surface was
 * meant is not known then, so it is in the shape that most clients read.
 */
export function answerBrokenRequest(thrown: ConnectionError, socket: Socket): void {
  if (thrown.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const error = describe(thrown)
  const body = JSON.stringify({ error: openAiError(error) })
  const head = [
    `HTTP/1.1 ${error.row.status} ${error.row.reason}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

function describe({ code, message }: ConnectionError): AppError {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new AppError('request_too_large', { values: { detail: 'its headers are too long.' } })
  if (code === 'HPE_INVALID_URL')
    return new AppError('invalid_value', { param: 'URL', values: { detail: NOT_ENCODED } })
  const detail = code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'it took too long to arrive.' : `${message}.`
  return new AppError('invalid_value', { param: 'request', values: { detail } })
}

const NOT_ENCODED = 'characters outside of ASCII must be percent-encoded (curl: -G --data-urlencode).'
