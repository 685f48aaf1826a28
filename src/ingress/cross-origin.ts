import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'

/** Browser clients on other origins send their key with each request, never a cookie, so any origin may ask. */
export async function allowOtherOrigins(app: FastifyInstance): Promise<void> {
  await app.register(cors, {
    origin: '*',
    methods: ['GET', 'HEAD', 'POST', 'DELETE'],
    exposedHeaders: ['x-request-id', 'retry-after', 'location', 'content-disposition', 'x-export-partial'],
    maxAge: 86_400,
  })
}
