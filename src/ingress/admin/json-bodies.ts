import type { FastifyInstance } from 'fastify'
import { AppError } from '../../base/error.ts'

/**
 * Bodies are JSON and nothing else, which a form of another site cannot send. None at all is fine where none is needed,
 * also from clients that announce one.
 */
export function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined)
    parse(request, body.toString(), (error, value) => {
      if (error === null) done(null, value)
      else done(new AppError('invalid_json', { values: { detail: error.message }, cause: error }), undefined)
    })
  })
}
