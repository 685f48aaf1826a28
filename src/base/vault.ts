import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

/** Encrypts what may lie in the database only unreadable. */
export interface Vault {
  /** The text encrypted, bound to what it belongs to: it opens only under the same `context`. */
  seal(text: string, context: string): string
  /** @throws Error when it was sealed with another key, for another context, or was changed */
  open(sealed: string, context: string): string
  /**
   * The same 64 hex digits for the same text and context, from which nobody without the key can find the text, even by trying.
   */
  fingerprint(text: string, context: string): string
}

const ALGORITHM = 'aes-256-gcm'
/** Of the format; stands in front of every sealed text. */
const VERSION = 'v1.'
const NONCE_BYTES = 12
const TAG_BYTES = 16
const KEY_BYTES = 32

/** AES-256-GCM with a random nonce for each text: `v1.` and base64url of nonce, tag and ciphertext. @param key of 32 bytes */
export function createVault(key: Buffer): Vault {
  // A key of its own: one and the same is not used for two algorithms.
  const fingerprintKey = Buffer.from(hkdfSync('sha256', key, '', 'pictor fingerprint', KEY_BYTES))
  return {
    seal: (text, context) => {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(context))
      const hidden = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return VERSION + Buffer.concat([nonce, cipher.getAuthTag(), hidden]).toString('base64url')
    },
    open: (sealed, context) => {
      if (!sealed.startsWith(VERSION)) throw new Error('a sealed text has an unknown form')
      const bytes = Buffer.from(sealed.slice(VERSION.length), 'base64url')
      const nonce = bytes.subarray(0, NONCE_BYTES)
      const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
      const hidden = bytes.subarray(NONCE_BYTES + TAG_BYTES)
      return Buffer.concat([decipher.update(hidden), decipher.final()]).toString('utf8')
    },
    fingerprint: (text, context) =>
      createHmac('sha256', fingerprintKey)
        .update(JSON.stringify([context, text]))
        .digest('hex'),
  }
}
