import websocket from '@fastify/websocket'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import packageJson from '../package.json' with { type: 'json' }
import { AppError } from './base/error.ts'
import { newRequestId } from './base/id.ts'
import type { Logger } from './base/log.ts'
import type { Config } from './config.ts'
import type { AdminParts } from './ingress/admin/admin-parts.ts'
import { adminSurface } from './ingress/admin/plugin.ts'
import { batchSurface } from './ingress/batch/plugin.ts'
import { answerBrokenRequest } from './ingress/broken-request.ts'
import { batchShape, errorReply } from './ingress/error-reply.ts'
import { geminiUrl } from './ingress/gemini/sdk-url.ts'
import { geminiSurface } from './ingress/gemini-surface.ts'
import { openAiSurface } from './ingress/openai-surface.ts'
import { shownPath } from './ingress/shown-path.ts'
import type { Surface } from './ingress/surface.ts'
import { apiReference } from './ingress/system/api-reference.ts'
import { systemSurface } from './ingress/system/plugin.ts'
import { logRequests } from './ingress/system/request-log.ts'
import { createPictureServer, publicImages } from './library/serve.ts'
import { createParts, type Parts, type World } from './parts.ts'
import { modeInEffect } from './upstream-mode.ts'
import { recoverTasks, startWork } from './work.ts'

export interface App {
  server: FastifyInstance
  parts: Parts
  /** Starts to listen and to work through what waits; returns the address. */
  start(): Promise<string>
  /** Answers what is under way, then ends everything. */
  close(): Promise<void>
}

/** Longest message that a WebSocket of ours is ready to hear, in bytes. */
const MOST_HEARD = 64 * 1024

/** The program as a whole: the parts, and the surfaces over them. */
export async function createApp(config: Config, log: Logger, world: World = {}): Promise<App> {
  const { version } = packageJson
  const parts = await createParts(config, log, version, world)
  const { gateway, keys, access } = parts
  const pictures = createPictureServer(gateway.library)
  const settings = { ...config, chatModel: config.relay?.chatModel }
  const adminParts: AdminParts = {
    gateway,
    keys,
    jobs: parts.jobs,
    access,
    version,
    startedAt: gateway.clock.now(),
    publicUrl: config.publicUrl,
    settings: parts.settings,
    mode: () => modeInEffect(gateway.providers, parts.settings.current()),
  }
  const surface: Surface = { gateway, keys, pictures, settings }

  const server = Fastify({
    loggerInstance: warningsOf(log),
    // Requests get one line of our own, without what could hold a secret.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: newRequestId,
    // Lines that name a request say its id themselves; a logger for each request costs more than a small reply.
    childLoggerFactory: (logger) => logger,
    clientErrorHandler: answerBrokenRequest,
    trustProxy: config.trustProxy,
    rewriteUrl: ({ url = '/', headers }) => geminiUrl(url, headers),
    // Strict numbers let "1e999" through as Infinity, whatever the maximum.
    ajv: { customOptions: { allowUnionTypes: true, coerceTypes: true, strictNumbers: false } },
    routerOptions: { maxParamLength: 512 },
    // Pictures may take minutes to arrive over a slow line, but not for ever.
    requestTimeout: 10 * 60_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
  })
  server.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })
  server.setErrorHandler(errorReply(batchShape))
  server.setNotFoundHandler(({ method, url }) => {
    throw new AppError('not_found', { values: { what: `${method} ${shownPath(url)}` } })
  })
  await apiReference(server, version)
  await server.register(websocket, { options: { maxPayload: MOST_HEARD } })
  server.register(async (scope) => publicImages(scope, pictures))
  server.register(async (scope) => {
    logRequests(scope, log, gateway.metrics)
    await scope.register(openAiSurface(surface), { prefix: '/v1' })
    await scope.register(batchSurface(surface), { prefix: '/api/v1' })
    await scope.register(geminiSurface(surface), { prefix: '/v1beta' })
    await scope.register(adminSurface(adminParts))
    await scope.register(systemSurface({ gateway, access, version }))
  })
  await server.ready()

  const work = { stop: async () => {} }
  return {
    server,
    parts,
    start: async () => {
      await recoverTasks(config, parts)
      const address = await server.listen({ host: config.host, port: config.port })
      Object.assign(work, await startWork(config, parts, config.publicUrl ?? address))
      return address
    },
    close: async () => {
      // Connections whose last answer goes out only now would be kept alive, and closing waits for them.
      const sweep = setInterval(() => server.server.closeIdleConnections(), 100)
      await server.close().finally(() => clearInterval(sweep))
      await work.stop()
      await parts.close()
    },
  }
}

/** What Fastify says by itself at lower levels (where it listens, each request) is said by us in other words. */
const warningsOf = (log: Logger): FastifyBaseLogger =>
  log.child({}, { level: log.isLevelEnabled('warn') ? 'warn' : log.level })
