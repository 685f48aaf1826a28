import { type LookupAddress, lookup as resolve } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Whether an outgoing connection to this numeric address may be opened. */
export type AddressRule = (address: string) => boolean

/** An address that strangers must not make us connect to. */
export class BlockedAddress extends Error {
  override readonly name = 'BlockedAddress'
}

/**
 * Whether a numeric address is on the public internet. Everything else is refused, also what merely wraps another
 * address (IPv4-mapped, 6to4, Teredo), except NAT64 around a public IPv4 address: networks with IPv6 only
 * reach the rest of the world through it.
 */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false
  const parsed = ipaddr.parse(address)
  if (parsed.range() === 'unicast') return parsed.kind() === 'ipv4' || isGlobalUnicast(parsed.toByteArray())
  return isNat64(parsed.toByteArray()) && isPublicAddress(parsed.toByteArray().slice(12).join('.'))
}

/**
 * Refuses a URL that needs no name look-up to be refused: another scheme than http(s), a user name or password in it,
 * or a numeric host that is not allowed. WHATWG URL has already turned decimal, octal and hex forms into dotted ones.
 *
 * @throws {@link BlockedAddress}
 */
export function checkUrl(url: URL, isAllowed: AddressRule): void {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new BlockedAddress(`${url.protocol}// is not http or https`)
  }
  if (url.username !== '' || url.password !== '')
    throw new BlockedAddress('a URL with a user name or password')
  const address = numericHost(url.hostname)
  if (address !== undefined && !isAllowed(address))
    throw new BlockedAddress(`${address} is not a public address`)
}

/** A `lookup` for sockets that hands over only allowed addresses, so the address checked is the address connected to. */
export function guardedLookup(isAllowed: AddressRule): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, [])
      const allowed = found.filter(({ address }) => isAllowed(address))
      const first = allowed[0]
      if (first === undefined) return callback(new BlockedAddress(refusal(hostname, found)), [])
      if (options.all === true) return callback(null, allowed)
      callback(null, first.address, first.family)
    })
  }
}

/**
 * Refuses a name that leads to an address which is not allowed, where a proxy will do the real look-up. A name that
 * cannot be resolved here passes: behind a proxy that is normal, and it is the proxy that connects.
 *
 * @throws {@link BlockedAddress}
 */
export async function checkName(hostname: string, isAllowed: AddressRule): Promise<void> {
  if (/(^|\.)localhost\.?$/.test(hostname)) throw new BlockedAddress(`${hostname} is this machine`)
  if (numericHost(hostname) !== undefined) return
  const found = await lookup(hostname, { all: true }).catch(() => [])
  if (!found.every(({ address }) => isAllowed(address))) throw new BlockedAddress(refusal(hostname, found))
}

/** The address in a URL's host part, or undefined where it is a name. */
export function numericHost(hostname: string): string | undefined {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return isIP(bare) === 0 ? undefined : bare
}

/** 2000::/3, the only part of IPv6 that is handed out for the public internet (RFC 4291 §2.4, IANA). */
function isGlobalUnicast(bytes: number[]): boolean {
  return ((bytes[0] ?? 0) & 0xe0) === 0x20
}

/** 64:ff9b::/96, the well-known prefix of RFC 6052. */
function isNat64(bytes: number[]): boolean {
  return NAT64_PREFIX.every((byte, index) => bytes[index] === byte)
}

const NAT64_PREFIX = [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]

function refusal(hostname: string, found: readonly LookupAddress[]): string {
  return `${hostname} leads to ${found.map(({ address }) => address).join(', ')}, which is not public`
}
