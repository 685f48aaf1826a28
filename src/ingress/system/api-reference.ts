import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { SESSION_COOKIE } from '../admin/session-cookie.ts'

/** `GET /openapi.json`, made from the schemas of the routes, and `GET /docs`, the page that shows it. */
export async function apiReference(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Pictor',
        version,
        description:
          'A gateway and library for AI images. Speaks the images part of the OpenAI API and of the Gemini API.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      tags: [
        { name: 'Images', description: 'Drawing, as OpenAI clients ask for it.' },
        { name: 'Chat', description: 'Chat that draws.' },
        { name: 'Batches', description: 'Up to 100 pictures at once, with their progress.' },
        { name: 'History', description: 'What was asked for, what came of it, and its export.' },
        { name: 'Gemini', description: 'Drawing, as Gemini clients ask for it.' },
        { name: 'Models', description: 'What can be asked to draw.' },
        { name: 'Public pictures', description: 'Open to whoever knows the id.' },
        { name: 'Admin', description: 'For whoever runs this server.' },
        { name: 'System', description: 'Whether it is well.' },
      ],
      components: {
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer' },
          adminKey: { type: 'http', scheme: 'bearer', description: '`ADMIN_KEY` of the server.' },
          adminSession: { type: 'apiKey', in: 'cookie', name: SESSION_COOKIE },
          googleKey: { type: 'apiKey', in: 'header', name: 'x-goog-api-key' },
        },
      },
    },
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    logo: { type: 'image/svg+xml', content: '' },
    theme: { title: 'Pictor API', css: [{ filename: 'pictor.css', content: CALM }] },
    uiConfig: { deepLinking: true, tryItOutEnabled: true, persistAuthorization: true },
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}

const CALM = '.swagger-ui .topbar { display: none; }'
