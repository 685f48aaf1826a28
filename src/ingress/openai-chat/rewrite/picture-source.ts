import { sniffType } from '../../../bytes/sniff.ts'
import { isDataUrl } from '../../../bytes/spool-base64.ts'
import { Spooled, SpooledText } from '../../../bytes/spooled.ts'
import { fieldOf, isRecord, type JsonRecord } from './records.ts'

/** A picture as an upstream hands it over: base64 in a file, a data URL, short base64, or an http URL. */
export interface PictureSource {
  source: Spooled | string
  signature: string | undefined
  /** A draft that the model made while thinking (Gemini). */
  isThought: boolean
}

/**
 * The picture that an item of `images`, a content part or an item of an images reply holds: a URL, `{url}`,
 * `{image_url}`, `{b64_json}`, `{image: {base64}}`, `{inlineData: {data}}`, `{source: {data}}` and the like.
 */
export function pictureIn(item: unknown): PictureSource | undefined {
  const source = sourceIn(item, 4)
  if (source === undefined) return undefined
  return { source, signature: signatureOf(item), isThought: fieldOf(item, 'thought') === true }
}

/** Gemini's opaque state, wherever gateways put it. */
export function signatureOf(value: unknown): string | undefined {
  const google = fieldOf(fieldOf(value, 'extra_content'), 'google')
  const known = [
    fieldOf(google, 'thought_signature'),
    fieldOf(value, 'thought_signature'),
    fieldOf(value, 'thoughtSignature'),
  ]
  return known.find((signature): signature is string => typeof signature === 'string' && signature !== '')
}

const CARRIERS = [
  'image_url',
  'url',
  'b64_json',
  'base64',
  'data',
  'image',
  'inline_data',
  'inlineData',
  'source',
  'result',
]

function sourceIn(value: unknown, depth: number): Spooled | string | undefined {
  if (value instanceof Spooled) return value
  if (value instanceof SpooledText) return value.parts.find((part) => part instanceof Spooled)
  if (typeof value === 'string') return isSource(value) ? value : undefined
  if (!isRecord(value) || depth === 0) return undefined
  return firstSource(value, depth - 1)
}

function firstSource(value: JsonRecord, depth: number): Spooled | string | undefined {
  for (const name of CARRIERS) {
    const source = name in value ? sourceIn(value[name], depth) : undefined
    if (source !== undefined) return source
  }
  return undefined
}

function isSource(text: string): boolean {
  if (/^https?:\/\//i.test(text) || isDataUrl(text)) return true
  return sniffType(Buffer.from(text.slice(0, 64), 'base64')) !== undefined
}
