import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import ipaddr from 'ipaddr.js'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/error.ts'

/** Requests per second, for ever. */
const RATE = 10
/** Requests at once, after a rest. */
const BURST = 20
/** The clients that asked last are known; whoever is not has all its tokens, as after two quiet seconds. */
const MOST_CLIENTS = 50_000

interface Bucket {
  tokens: number
  /** When they were counted, in ms since the epoch. */
  at: number
}

/**
 * A hook that lets each client make ten requests a second, and twenty at once after a rest. Who the client is says
 * `request.ip`, which believes a proxy only where `TRUST_PROXY` names it.
 *
 * @throws {AppError} `too_many_requests`, with the time after which there is a token again
 */
export function limitRate(clock: Clock): onRequestAsyncHookHandler {
  const count = createRateLimit(clock)
  return async (request: FastifyRequest) => count(request)
}

/** The same as a function, for requests of which only some count. */
export function createRateLimit(clock: Clock): (request: FastifyRequest) => void {
  const buckets = new LRUCache<string, Bucket>({ max: MOST_CLIENTS })
  return (request) => {
    const client = clientOf(request.ip)
    const bucket = refilled(buckets.get(client), clock.now())
    buckets.set(client, bucket)
    if (bucket.tokens < 1) throw new AppError('too_many_requests', { retryAfter: (1 - bucket.tokens) / RATE })
    bucket.tokens -= 1
  }
}

function refilled(bucket: Bucket | undefined, now: number): Bucket {
  if (bucket === undefined) return { tokens: BURST, at: now }
  // A clock that is set back must not take tokens away.
  const gained = (Math.max(0, now - bucket.at) / 1000) * RATE
  return { tokens: Math.min(BURST, bucket.tokens + gained), at: now }
}

/**
 * Who an address stands for: one IPv4 address, in either form, or an IPv6 network of the size that a single customer
 * gets, since within it anybody can take any number of addresses.
 */
export function clientOf(address: string): string {
  // A header of a trusted proxy may hold anything.
  if (!ipaddr.isValid(address)) return address.slice(0, 64)
  const parsed = ipaddr.process(address)
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString()
  const network = parsed.parts.slice(0, 4).map((part) => part.toString(16))
  return `${network.join(':')}::/64`
}
