import type { FastifyInstance } from 'fastify'
import type { Logger } from '../../base/log.ts'
import type { Metrics } from '../../base/metrics.ts'
import { shownPath } from '../shown-path.ts'

/** One log line and one measurement for each answered request of a scope. Paths only: a query may hold a key. */
export function logRequests(app: FastifyInstance, log: Logger, metrics: Metrics): void {
  app.addHook('onResponse', async (request, reply) => {
    const { method } = request
    const status = reply.statusCode
    const duration = reply.elapsedTime
    metrics.requestAnswered({ method, route: request.routeOptions.url ?? 'none', status }, duration / 1000)
    log.info(
      { reqId: request.id, method, path: shownPath(request.url), status, ms: Math.round(duration) },
      'answered',
    )
  })
}
