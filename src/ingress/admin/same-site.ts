import type { FastifyRequest } from 'fastify'
import { AppError } from '../../base/error.ts'

/**
 * Lets a request that carries a session change things only if it comes from a page of ours, which the browser vouches for
 * in `Sec-Fetch-Site`, or over plain http in `Origin`. A WebSocket counts as a change, since no other rule of the browser
 * keeps a foreign page from opening one.
 *
 * @throws {AppError} `cross_site_request`
 */
export function requireSameSite(request: FastifyRequest, publicUrl: string | undefined): void {
  if (SAFE.has(request.method) && request.headers.upgrade === undefined) return
  const { origin, 'sec-fetch-site': site } = request.headers
  const isOurs = site === undefined ? isOwnOrigin(origin, request.host, publicUrl) : TRUSTED.has(site)
  if (!isOurs) throw new AppError('cross_site_request')
}

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** `none`: the user typed the address. */
const TRUSTED: ReadonlySet<unknown> = new Set(['same-origin', 'none'])

/** By host alone: a proxy that is not named in `TRUST_PROXY` hides whether it was https. */
function isOwnOrigin(origin: string | undefined, host: string, publicUrl: string | undefined): boolean {
  if (origin === undefined || !URL.canParse(origin)) return false
  const { host: asking } = new URL(origin)
  return asking === host || (publicUrl !== undefined && asking === new URL(publicUrl).host)
}
