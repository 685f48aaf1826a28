import { createHash } from 'node:crypto'

/** A picture that came within a JSON request. */
export interface RecordedPicture {
  /** Hex digest of the decoded bytes. */
  sha256: string
  /** How many bytes. */
  bytes: number
  /** As the data URL, or Gemini's `mimeType` beside it, says. */
  type: string
}

/** The data URLs anywhere in a value, also within texts, and Gemini's inline pictures, in their order. */
export function picturesIn(value: unknown): RecordedPicture[] {
  if (typeof value === 'string') {
    return [...value.matchAll(DATA_URL)].map(([, type = '', base64 = '']) => decode(type, base64))
  }
  if (typeof value !== 'object' || value === null) return []
  const { mimeType, mime_type: type = mimeType, data }: Inline = value
  if (typeof type === 'string' && typeof data === 'string') return [decode(type, data)]
  return Object.values(value).flatMap(picturesIn)
}

interface Inline {
  mimeType?: unknown
  mime_type?: unknown
  data?: unknown
}

const DATA_URL = /data:(image\/[\w.+-]+);base64,([\w+/-]+=*)/g

function decode(type: string, base64: string): RecordedPicture {
  const bytes = Buffer.from(base64, 'base64')
  return { sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length, type }
}
