import cookie from '@fastify/cookie'
import helmet from '@fastify/helmet'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { AdminAccess } from '../../access/admin-access.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import { latestImages } from '../../library/find.ts'
import { sessionOf } from '../admin/session-cookie.ts'
import { batchShape, errorReply } from '../error-reply.ts'
import { ADMIN_PAGE_SCRIPT, adminPage } from './admin-page.ts'
import { type Health, readHealth } from './health.ts'
import { homePage } from './home-page.ts'

export interface SystemParts {
  gateway: Gateway
  access: AdminAccess
  version: string
}

const HealthReply = Type.Object({
  status: Type.Enum(['healthy', 'unhealthy']),
  version: Type.String(),
  checks: Type.Record(
    Type.String(),
    Type.Object({ ok: Type.Boolean(), detail: Type.Optional(Type.String()) }),
  ),
})

const ServiceReply = Type.Object({
  service: Type.String(),
  version: Type.String(),
  status: Type.String(),
  docs: Type.String(),
})

/** `GET /`, `/admin`, `/api`, `/health`, `/metrics`. */
export function systemSurface({ gateway, access, version }: SystemParts) {
  return async (app: FastifyInstance): Promise<void> => {
    app.setErrorHandler(errorReply(batchShape))
    await app.register(cookie)
    await app.register(helmet, {
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          imgSrc: ["'self'"],
          scriptSrc: [ADMIN_PAGE_SCRIPT],
          connectSrc: ["'self'"],
          styleSrc: ["'unsafe-inline'"],
          baseUri: ["'none'"],
          formAction: ["'self'"],
          frameAncestors: ["'none'"],
        },
      },
      // Whether a host is to be reached by https only is for the proxy in front of us to say.
      strictTransportSecurity: false,
    })

    app.get(
      '/api',
      { schema: { tags: ['System'], summary: 'What this service is', response: { 200: ServiceReply } } },
      async () => ({ service: 'pictor', version, status: 'running', docs: '/docs' }),
    )

    const health = { 200: HealthReply, 503: HealthReply }
    app.get(
      '/health',
      { schema: { tags: ['System'], summary: 'Whether requests can be served', response: health } },
      async (_request, reply) => {
        const { healthy, checks }: Health = await readHealth(gateway)
        return reply
          .code(healthy ? 200 : 503)
          .send({ status: healthy ? 'healthy' : 'unhealthy', version, checks })
      },
    )

    app.get(
      '/metrics',
      { schema: { tags: ['System'], summary: 'Figures for Prometheus', response: { 200: Type.String() } } },
      async (_request, reply) => reply.type(gateway.metrics.contentType).send(await gateway.metrics.read()),
    )

    const isSignedIn = async (request: FastifyRequest) => {
      const session = sessionOf(request)
      return session !== undefined && (await access.sessions.find(session)) !== undefined
    }

    app.get('/', { schema: { hide: true } }, async (request, reply) => {
      const images = (await isSignedIn(request)) ? await latestImages(gateway.library, 24) : undefined
      const { healthy, checks } = await readHealth(gateway)
      const models = gateway.providers.models().length
      return reply
        .type('text/html; charset=utf-8')
        .send(homePage({ version, healthy, checks, models, images }))
    })

    app.get<{ Querystring: { setup?: unknown } }>(
      '/admin',
      { schema: { hide: true } },
      async (request, reply) => {
        if (await isSignedIn(request)) return reply.redirect('/')
        const { setup } = request.query
        const page = adminPage({
          hasAccount: await access.admins.any(),
          cameWithLink: setup !== undefined,
          isLinkGood: typeof setup === 'string' && (await access.setupTokens.isGood(setup)),
        })
        return reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(page)
      },
    )
  }
}
