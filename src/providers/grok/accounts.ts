import { createHash } from 'node:crypto'
import type { Account } from '../provider.ts'

/**
 * Makes accounts of a text with one session token a line; empty lines and lines with `#` are skipped, and so is a token
 * that comes again. An account keeps its id wherever it stands.
 * @throws Error that names the line, for what cannot stand in a cookie
 */
export function accountsIn(text: string): Account[] {
  const tokens = text.split(/\r?\n/).map(tokenIn)
  const wrong = tokens.findIndex(
    (token) => token !== '' && !/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/.test(token),
  )
  if (wrong !== -1) throw new Error(`line ${wrong + 1} is not a session token`)
  const found = new Set(tokens.filter((token) => token !== ''))
  return [...found].map((secret) => ({ id: `grok:${fingerprint(secret)}`, secret }))
}

/** People copy tokens with the name of the cookie before them. */
function tokenIn(line: string): string {
  const text = line.trim()
  return text.startsWith('#') ? '' : text.replace(/^sso=/, '').replace(/;$/, '')
}

/** Tells tokens apart and does not tell what they are. */
function fingerprint(secret: string): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 12)
}
