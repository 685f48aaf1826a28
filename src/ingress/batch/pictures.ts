import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Surface } from '../surface.ts'

interface PictureRequest {
  Params: { id: string }
  Querystring: { size: 320 | 1280 }
}

const common = {
  tags: ['History'],
  params: Type.Object({ id: Type.String() }),
}

/**
 * `GET` and `HEAD /images/{id}`, `/images/{id}/download` and `/images/{id}/thumbnail`: the public pictures under other
 * paths. Like those they are open to whoever knows the id, which cannot be guessed, because a page that
 * shows them in `<img>` or links to them cannot send a key.
 */
export function batchPictureRoutes(app: FastifyInstance, { pictures }: Surface): void {
  for (const method of ['GET', 'HEAD'] as const) {
    const more = { ...common, hide: method === 'HEAD' }
    app.route<PictureRequest>({
      method,
      url: '/images/:id',
      exposeHeadRoute: false,
      schema: { ...more, summary: 'The bytes of a picture' },
      handler: (request, reply) => pictures(request, reply, { name: request.params.id, variant: 'original' }),
    })
    app.route<PictureRequest>({
      method,
      url: '/images/:id/download',
      exposeHeadRoute: false,
      schema: { ...more, summary: 'The same, to be saved under a telling name' },
      handler: (request, reply) =>
        pictures(request, reply, { name: request.params.id, variant: 'original', download: true }),
    })
    app.route<PictureRequest>({
      method,
      url: '/images/:id/thumbnail',
      exposeHeadRoute: false,
      schema: {
        ...more,
        summary: 'A webp thumbnail; `size` is its longer side in pixels',
        querystring: Type.Object({
          size: Type.Unsafe<320 | 1280>({ type: 'integer', enum: [320, 1280], default: 320 }),
        }),
      },
      handler: (request, reply) =>
        pictures(request, reply, { name: request.params.id, variant: request.query.size }),
    })
  }
}
