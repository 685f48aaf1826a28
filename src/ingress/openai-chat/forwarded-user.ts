import type { FastifyRequest } from 'fastify'

/**
 * Who sits before Open WebUI, when it forwards that: `X-OpenWebUI-User-Name`, `-Email`, `-Id`, percent-encoded
 * (https://docs.openwebui.com, ENABLE_FORWARD_USER_INFO_HEADERS). It is kept with the picture as its author's name, and
 * grants nothing: whoever has the key can write what he likes here.
 */
export function userOf({ headers }: FastifyRequest): string | undefined {
  for (const name of ['name', 'email', 'id']) {
    const value = headers[`x-openwebui-user-${name}`]
    if (typeof value === 'string' && value !== '') return decode(value).slice(0, 200)
  }
  return undefined
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
