import { Agent, buildConnector, type Dispatcher, ProxyAgent } from 'undici'
import {
  type AddressRule,
  BlockedAddress,
  checkName,
  checkUrl,
  guardedLookup,
  isPublicAddress,
  numericHost,
} from './address-guard.ts'
import { OutgoingError } from './outgoing-error.ts'
import { socksConnector } from './socks.ts'

/** Where a request goes, and who said so. */
export interface Destination {
  /** `http:` or `https:`. */
  url: URL
  trust: 'operator' | 'guarded'
  /** In place of the proxy of all requests. */
  proxyUrl?: string | undefined
}

/** The connection pools, and which of them a request goes through. */
export interface Routes {
  /** @throws {@link OutgoingError} `blocked` */
  pick(destination: Destination): Promise<Dispatcher>
  /** The same for a connection that stops being HTTP: a proxy must not look into it. */
  pickTunnel(destination: Destination): Promise<Dispatcher>
  /** Ends all connections that still are HTTP. */
  close(): Promise<void>
}

/**
 * One connection per running call and no queue: an image call holds its connection for a minute, so calls must not
 * wait for each other. HTTP/2 is off, since its one flow-control window would be shared by all pictures on the way.
 */
const AGENT_OPTIONS = {
  allowH2: false,
  pipelining: 1,
  keepAliveTimeout: 10_000,
  // Exchange has one timer for everything.
  headersTimeout: 0,
  bodyTimeout: 0,
}
const CONNECT_TIMEOUT = 10_000

/** One pool for each origin, trust and proxy. @param proxyUrl for all requests that name no other */
export function createRoutes(proxyUrl: string | undefined, isAllowed: AddressRule): Routes {
  const direct = new Agent({ ...AGENT_OPTIONS, connect: { timeout: CONNECT_TIMEOUT } })
  const guarded = new Agent({ ...AGENT_OPTIONS, connect: guardedConnector(isAllowed) })
  /** As many as the configuration names. */
  const proxies = new Map<string, Dispatcher>()

  function proxyFor(address: string, isTunnel: boolean): Dispatcher {
    const key = `${isTunnel} ${address}`
    const proxy = proxies.get(key) ?? createProxy(address, isTunnel)
    proxies.set(key, proxy)
    return proxy
  }

  async function choose(destination: Destination, isTunnel: boolean): Promise<Dispatcher> {
    const { url, trust } = destination
    const address = destination.proxyUrl ?? proxyUrl
    if (trust === 'operator')
      return address === undefined || isLocal(url) ? direct : proxyFor(address, isTunnel)
    try {
      checkUrl(url, isAllowed)
      if (address === undefined) return guarded
      await checkName(url.hostname, isAllowed)
      return proxyFor(address, isTunnel)
    } catch (error) {
      if (!(error instanceof BlockedAddress)) throw error
      throw new OutgoingError('blocked', { detail: error.message, sent: false, cause: error })
    }
  }

  return {
    pick: (destination) => choose(destination, false),
    pickTunnel: (destination) => choose(destination, true),
    close: async () => {
      await Promise.all([direct, guarded, ...proxies.values()].map((dispatcher) => dispatcher.destroy()))
    },
  }
}

function createProxy(address: string, isTunnel: boolean): Dispatcher {
  const url = new URL(address)
  if (url.protocol.startsWith('socks'))
    return new Agent({ ...AGENT_OPTIONS, connect: socksConnector(url, CONNECT_TIMEOUT) })
  return new ProxyAgent({
    ...AGENT_OPTIONS,
    uri: address,
    connectTimeout: CONNECT_TIMEOUT,
    ...(isTunnel ? { proxyTunnel: true } : {}),
  })
}

/** Sockets do not look up a numeric host, so that is checked here and a name in its look-up. */
function guardedConnector(isAllowed: AddressRule): buildConnector.connector {
  const connect = buildConnector({
    allowH2: false,
    timeout: CONNECT_TIMEOUT,
    lookup: guardedLookup(isAllowed),
  })
  return (options, callback) => {
    const address = numericHost(options.hostname)
    if (address === undefined || isAllowed(address)) return connect(options, callback)
    callback(new BlockedAddress(`${address} is not a public address`), null)
  }
}

/** A proxy out there could not reach these. */
function isLocal(url: URL): boolean {
  const address = numericHost(url.hostname)
  return address === undefined ? /(^|\.)localhost$/.test(url.hostname) : !isPublicAddress(address)
}
