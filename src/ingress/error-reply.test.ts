import { request } from 'node:http'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, expect, test } from 'vitest'
import { ERRORS, type ErrorCode } from '../../contract/errors.ts'
import { AppError } from '../base/error.ts'
import { BytesError, type BytesErrorKind } from '../bytes/bytes-error.ts'
import { batchShape, type ErrorShape, errorReply, openAiShape } from './error-reply.ts'

const opened: FastifyInstance[] = []
afterAll(() => Promise.all(opened.map((app) => app.close())))

/** A server whose one route throws this. */
function throwing(error: unknown, shape: ErrorShape = openAiShape): FastifyInstance {
  const app = Fastify({ forceCloseConnections: true })
  opened.push(app)
  app.setErrorHandler(errorReply(shape))
  app.get('/', () => Promise.reject(error))
  app.post('/', () => 'taken')
  return app
}

const answerTo = async (error: unknown, shape?: ErrorShape, headers: Record<string, string> = {}) =>
  throwing(error, shape).inject({ url: '/', headers })

test.each(Object.keys(ERRORS) as ErrorCode[])(
  '%s: status, reason phrase and OpenAI’s shape',
  async (code) => {
    const values = { detail: 'so.', model: 'm', got: 'g', max: 1, expected: 'e', what: 'w', method: 'PUT' }
    const { status, type, reason } = ERRORS[code]
    const answer = await answerTo(new AppError(code, { param: 'size', values, retryAfter: 1.2 }))
    expect([answer.statusCode, answer.statusMessage]).toEqual([status, reason])
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'retry-after': '2',
    })
    const { error } = answer.json()
    expect(error).toEqual({ message: expect.any(String), type, code, param: 'size' })
    expect(error.message).not.toMatch(/[{}]/)
    expect(reason).toMatch(/^[ -~]+$/)
  },
)

test('the other surfaces have a shape and two languages of their own', async () => {
  const error = new AppError('image_not_found')
  expect((await answerTo(error, batchShape)).json()).toEqual({ code: 404, message: '图片不存在' })
  const english = { 'accept-language': 'en-GB,en;q=0.9' }
  expect((await answerTo(error, batchShape, english)).json()).toEqual({
    code: 404,
    message: ERRORS.image_not_found.en,
  })
  const wrong = new AppError('invalid_arguments', { param: 'ids' })
  expect((await answerTo(wrong, batchShape)).json()).toEqual({ code: 400, message: '参数错误', param: 'ids' })
})

test('an unforeseen error tells nothing of itself', async () => {
  for (const error of [new TypeError('secret of undefined'), 'secret', undefined, { secret: 1 }]) {
    const answer = await answerTo(error)
    expect(answer.statusCode).toBe(500)
    expect(answer.json()).toEqual({
      error: { message: ERRORS.server_error.en, type: 'server_error', code: 'server_error', param: null },
    })
    expect(answer.body).not.toContain('secret')
  }
})

test.each<[BytesErrorKind, string | undefined, ErrorCode, string | null]>([
  ['invalid_json', undefined, 'invalid_json', null],
  ['truncated', undefined, 'invalid_json', null],
  ['truncated', 'mask', 'invalid_image', 'mask'],
  ['invalid_base64', undefined, 'invalid_image', 'image'],
  ['invalid_base64', 'image[1]', 'invalid_image', 'image[1]'],
  ['too_large', undefined, 'request_too_large', null],
  ['too_large', 'image', 'image_too_large', 'image'],
  ['too_many', 'image[]', 'invalid_value', 'image[]'],
  ['invalid_multipart', undefined, 'invalid_value', 'body'],
  ['encoding', undefined, 'invalid_value', 'Content-Encoding'],
  ['not_a_picture', 'image', 'invalid_image', 'image'],
  ['wrong_type', 'image', 'invalid_image', 'image'],
  ['too_many_pixels', 'image', 'invalid_image', 'image'],
  ['no_dimensions', 'image', 'invalid_image', 'image'],
])('bytes that are %s in %s are %s of %s', async (kind, field, code, param) => {
  const answer = await answerTo(new BytesError(kind, 'so it is', { param: field }))
  expect(answer.json().error).toMatchObject({ code, param, message: expect.stringContaining('so it is') })
})

test('a refused client gets the answer and may finish sending', async () => {
  const app = throwing(new Error('unused'))
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', () =>
    Promise.reject(new AppError('request_too_large', { values: { detail: 'so.' } })),
  )
  const address = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const status = await new Promise((resolve, reject) => {
    const asking = request(address, { method: 'POST', headers: { 'content-type': 'x/y' } })
    asking.on('error', reject)
    let answered: number | undefined
    asking.on('response', (response) => {
      answered = response.statusCode
      expect(response.headers.connection).not.toBe('close')
      response.resume()
      // Only now the larger part of the body.
      for (let index = 0; index < 64; index += 1) asking.write(Buffer.alloc(64 * 1024))
      asking.end(() => resolve(answered))
    })
    asking.write('the beginning')
  })
  expect(status).toBe(413)
})
