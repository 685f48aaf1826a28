import { createHash } from 'node:crypto'

/** A picture that came within a JSON request. */
export interface RecordedPicture {
  /** Hex digest of the decoded bytes. */
  sha256: string
  /** How many bytes. */
  bytes: number
  /** As the data URL says. */
  type: string
}

/** The data URLs anywhere in a value, also within texts, in their order. */
export function picturesIn(value: unknown): RecordedPicture[] {
  if (typeof value === 'string') return [...value.matchAll(DATA_URL)].map(decode)
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(picturesIn)
}

const DATA_URL = /data:(image\/[\w.+-]+);base64,([\w+/-]+=*)/g

function decode([, type = '', base64 = '']: RegExpMatchArray): RecordedPicture {
  const bytes = Buffer.from(base64, 'base64')
  return { sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length, type }
}
