import { isIP } from 'node:net'
import { USERNAME_LENGTH, USERNAME_PATTERN } from '../contract/admin.ts'

/** A kind of value that a variable can hold: how it is read, and the words that tell people what is expected. */
export interface ValueKind<T> {
  expected: string
  /** The value, or `undefined` where the text is not of this kind. Never called with an empty text. */
  parse(text: string): T | undefined
}

/** Any text of at least `minimum` characters. */
export function text(expected: string, minimum = 1): ValueKind<string> {
  return { expected, parse: (given) => (given.length >= minimum ? given : undefined) }
}

/** A text that travels in an HTTP header: visible ASCII without spaces. */
export function token(expected: string, minimum = 1): ValueKind<string> {
  const isToken = (given: string) => /^[\x21-\x7e]+$/.test(given) && given.length >= minimum
  return { expected, parse: (given) => (isToken(given) ? given : undefined) }
}

/** The name of an account. */
export function username(): ValueKind<string> {
  const { minimum, maximum } = USERNAME_LENGTH
  const pattern = new RegExp(USERNAME_PATTERN, 'u')
  return {
    expected: `${minimum} to ${maximum} characters, none of them a control character`,
    parse: (given) => {
      const { length } = [...given]
      return length >= minimum && length <= maximum && pattern.test(given) ? given : undefined
    },
  }
}

/** Several tokens, separated by commas. */
export function tokens(expected: string): ValueKind<string[]> {
  const one = token(expected)
  return {
    expected,
    parse: (given) => {
      const parts = splitList(given)
      return parts.length > 0 && parts.every((part) => one.parse(part)) ? parts : undefined
    },
  }
}

export function integer(minimum: number, maximum: number): ValueKind<number> {
  return {
    expected: `a whole number from ${minimum} to ${maximum}`,
    parse: (given) => {
      const value = /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN
      return value >= minimum && value <= maximum ? value : undefined
    },
  }
}

/** A length of time, written in seconds and read as milliseconds. */
export function seconds(minimum: number, maximum: number): ValueKind<number> {
  const whole = integer(minimum, maximum)
  return {
    expected: `seconds, ${whole.expected}`,
    parse: (given) => {
      const value = whole.parse(given)
      return value === undefined ? undefined : value * 1000
    },
  }
}

export function oneOf<const T extends string>(choices: readonly T[]): ValueKind<T> {
  return {
    expected: `one of ${choices.join(', ')}`,
    parse: (given) => choices.find((choice) => choice === given.toLowerCase()),
  }
}

export function yesOrNo(): ValueKind<boolean> {
  return {
    expected: 'true or false',
    parse: (given) => {
      const word = given.toLowerCase()
      if (['true', 'yes', 'on', '1'].includes(word)) return true
      return ['false', 'no', 'off', '0'].includes(word) ? false : undefined
    },
  }
}

/** `on` or `off`, and the other words for yes and no. */
export function onOrOff(): ValueKind<'on' | 'off'> {
  return {
    expected: 'on or off',
    parse: (given) => {
      const value = yesOrNo().parse(given)
      return value === undefined ? undefined : value ? 'on' : 'off'
    },
  }
}

/** An http(s) address that paths are appended to: no query, no fragment; returned without a trailing slash. */
export function baseUrl(): ValueKind<string> {
  return {
    expected: 'an http:// or https:// address without ? and #',
    parse: (given) => {
      const url = httpUrl(given)
      const usable = url && !/[?#]/.test(given) && !url.username && !url.password
      return usable ? url.href.replace(/\/+$/, '') : undefined
    },
  }
}

/** The address of a proxy; it may carry a user name and a password. */
export function proxyUrl(): ValueKind<string> {
  return {
    expected: 'http://[user:password@]host[:port], or the same with https:// or socks5://',
    parse: (given) => {
      const url = urlOf(given, /^(https?|socks5h?):\/\//i)
      const isBare = url !== undefined && /^\/?$/.test(url.pathname) && !url.search && !url.hash
      return isBare && url.hostname !== '' ? url.href.replace(/\/$/, '') : undefined
    },
  }
}

/** The address of a WebSocket. A bare host gets `path`. */
export function socketUrl(path: string): ValueKind<string> {
  return {
    expected: 'a ws:// or wss:// address without # and password',
    parse: (given) => {
      const url = urlOf(given.replace(/^http/i, 'ws'), /^wss?:\/\//i)
      if (url === undefined || url.hash || url.username || url.password) return undefined
      if (url.pathname === '/') url.pathname = path
      return url.href
    },
  }
}

/** A database address in the one form that the database code knows. */
export function databaseUrl(): ValueKind<string> {
  return {
    expected: 'sqlite:path/to/file, postgres://user:password@host/name or mysql://user:password@host/name',
    parse: (given) => {
      if (/^sqlite:./.test(given)) return given
      const match = /^(postgres|postgresql|mysql|mariadb)(?:\+\w+)?(:\/\/.+)$/.exec(given)
      if (!match?.[1] || !match[2]) return undefined
      const url = (match[1].startsWith('postgres') ? 'postgres' : 'mysql') + match[2]
      return URL.canParse(url) && new URL(url).pathname.length > 1 ? url : undefined
    },
  }
}

/** What stands before the names of objects; returned with a slash at its end and none at its beginning. */
export function objectPrefix(): ValueKind<string> {
  return {
    expected: 'letters, digits, . _ - and /',
    parse: (given) => {
      const bare = given.replaceAll(/^\/+|\/+$/g, '')
      return /^[\w.-]+(\/[\w.-]+)*$/.test(bare) && !bare.includes('..') ? `${bare}/` : undefined
    },
  }
}

/** An IP address or a host name to listen on. */
export function listenAddress(): ValueKind<string> {
  return {
    expected: 'an IP address or host name, such as 127.0.0.1 or 0.0.0.0',
    parse: (given) => (isIP(given) || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(given) ? given : undefined),
  }
}

/** An IANA time zone. `:/etc/localtime`, which some systems set, means the system's own. */
export function timeZone(): ValueKind<string> {
  return {
    expected: 'a time zone such as Europe/Berlin or Asia/Shanghai',
    parse: (given) => {
      if (given.startsWith(':/')) return systemTimeZone()
      try {
        return new Intl.DateTimeFormat('en', { timeZone: given.replace(/^:/, '') }).resolvedOptions().timeZone
      } catch {
        return undefined
      }
    },
  }
}

export function systemTimeZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone
}

/**
 * Whose `X-Forwarded-*` headers are believed. A bare number is refused: other programs read it as
 * a count of proxies, and "1" taken for "everyone" would let any caller forge its address.
 */
export function trustedProxies(): ValueKind<boolean | string[]> {
  return {
    expected: 'true, false, or addresses separated by commas (10.0.0.0/8, loopback, linklocal, uniquelocal)',
    parse: (given) => {
      const word = given === '1' ? undefined : yesOrNo().parse(given)
      if (word !== undefined) return word
      const parts = splitList(given)
      return parts.length > 0 && parts.every(isAddressRange) ? parts : undefined
    },
  }
}

function isAddressRange(part: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(part)) return true
  const [address = '', prefix, ...rest] = part.split('/')
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  return (
    rest.length === 0 && bits > 0 && (prefix === undefined || integer(0, bits).parse(prefix) !== undefined)
  )
}

function httpUrl(given: string): URL | undefined {
  return urlOf(given, /^https?:\/\//i)
}

function urlOf(given: string, scheme: RegExp): URL | undefined {
  return scheme.test(given) && URL.canParse(given) ? new URL(given) : undefined
}

function splitList(given: string): string[] {
  return given
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
