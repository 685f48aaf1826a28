import type { RunKind } from './base64-run.ts'
import { sniffType } from './sniff.ts'

/** Base64 that is not longer, in characters of the body, is left in the text. */
export const LONG = 16 * 1024

/** Longest beginning of a data URL, `data:` to the comma. */
const LONGEST_PREFIX = 256

const DATA_URL = /data:(?:[^\s,"'()<>\\]|\\\/|\\u[0-9a-f]{4})*;base64,$/i
const INSIDE = /^(?:[\w+/-]|\\\/|\\u00[2-7][0-9a-f])*(?:\\(?:u0{0,2}|u00[2-7])?)?$/i
const WHOLE = /^(?:[\w+/-]|\\\/|\\u00[0-7][0-9a-f]|[ \t\r\n]|\\[nrt])*(?:\\(?:u0{0,2}|u00[0-7])?)?$/i

/** Long base64 in the raw bytes of a string. Positions count from the beginning of those bytes. */
export interface PictureStart {
  kind: RunKind
  /** Where its prefix begins. */
  start: number
  /** Where its base64 begins. */
  base64: number
  /** Such as `data:image/png;base64,`; empty for bare base64. */
  prefix: string
}

/** Whether a string, of which more than {@link LONG} raw bytes are known, is bare base64 of a picture. */
export function findBarePicture(string: Buffer): PictureStart | undefined {
  const first = string
    .toString('latin1', 0, 256)
    .replaceAll('\\/', '/')
    .replaceAll(/\\[nrt]|\\u[0-9a-f]{4}|\s/gi, unescapeOne)
  if (sniffType(Buffer.from(first, 'base64')) === undefined) return undefined
  return isRun(string, 0, WHOLE) ? { kind: 'whole', start: 0, base64: 0, prefix: '' } : undefined
}

/**
 * The first data URL with long base64.
 * @param text raw bytes of a string, or of what follows a picture in one
 * @param from where to begin
 * @returns where to go on when more of the text is known, when there is none yet
 */
export function findDataUrl(text: Buffer, from: number): PictureStart | number {
  for (let at = from; ; ) {
    const comma = text.indexOf('64,', at)
    if (comma === -1) return Math.max(at, text.length - 2)
    const base64 = comma + 3
    const raw = DATA_URL.exec(text.toString('latin1', Math.max(0, base64 - LONGEST_PREFIX), base64))?.[0]
    if (raw !== undefined && text.length - base64 <= LONG) return comma
    if (raw !== undefined && isRun(text, base64, base64 === raw.length ? WHOLE : INSIDE)) {
      const start = base64 - raw.length
      const prefix = unescapePrefix(text.toString('utf8', start, base64))
      return { kind: start === 0 ? 'whole' : 'inside', start, base64, prefix }
    }
    at = base64
  }
}

/** Whether more than {@link LONG} bytes from `start` on may be base64. */
function isRun(text: Buffer, start: number, pattern: RegExp): boolean {
  const end = start + LONG
  if (text.length <= end) return false
  const clean = Buffer.from(text.toString('latin1', start, end), 'base64').length === (LONG / 4) * 3
  return pattern.test(text.toString('latin1', clean ? end : start, end + 1))
}

function unescapeOne(sequence: string): string {
  return sequence.startsWith('\\u') ? String.fromCharCode(Number.parseInt(sequence.slice(2), 16)) : ''
}

function unescapePrefix(raw: string): string {
  return raw.replaceAll('\\/', '/').replaceAll(/\\u[0-9a-f]{4}/gi, unescapeOne)
}
