import { createHash, randomBytes } from 'node:crypto'

/** A new API key. */
export const newSecret = (): string => `sk-${randomBytes(24).toString('base64url')}`

/** Keys are 192 random bits, so a plain hash keeps them safe at rest; a slow one would only slow requests down. */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex')
