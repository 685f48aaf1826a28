import type { PictureType } from './spooled.ts'

/** Width and height in pixels. */
export interface Dimensions {
  width: number
  height: number
}

const EXTENSIONS: Record<PictureType, string> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/webp': 'webp',
  'image/gif': 'gif',
  'image/avif': 'avif',
}

/** The usual file extension, without a dot. */
export function extensionOf(mime: PictureType): string {
  return EXTENSIONS[mime]
}

/** The picture type that the first bytes (16 do, more help AVIF) say; undefined for everything else, SVG and HTML too. */
export function sniffType(head: Uint8Array): PictureType | undefined {
  const bytes = asBuffer(head)
  if (startsWith(bytes, 0, '\x89PNG\r\n\x1a\n')) return 'image/png'
  if (startsWith(bytes, 0, '\xff\xd8\xff')) return 'image/jpeg'
  if (startsWith(bytes, 0, 'RIFF') && startsWith(bytes, 8, 'WEBP')) return 'image/webp'
  if (startsWith(bytes, 0, 'GIF87a') || startsWith(bytes, 0, 'GIF89a')) return 'image/gif'
  if (startsWith(bytes, 4, 'ftyp') && isAvif(bytes)) return 'image/avif'
  return undefined
}

/** What something that is no picture seems to be, in words for people. */
export function describeBytes(head: Uint8Array): string {
  const bytes = asBuffer(head)
  if (bytes.length === 0) return 'it is empty'
  const text = bytes.toString('latin1', 0, 1024).replace('\xef\xbb\xbf', '').trimStart().toLowerCase()
  if (text.startsWith('<!doctype html') || text.startsWith('<html')) return 'it is an HTML page'
  if (text.startsWith('<svg') || (text.startsWith('<?xml') && text.includes('<svg'))) {
    return 'it is an SVG/text file'
  }
  if (text.startsWith('%pdf-')) return 'it is a PDF file'
  if (startsWith(bytes, 4, 'ftyp')) return 'it is an HEIC picture or a video'
  if (startsWith(bytes, 0, 'BM')) return 'it is a BMP picture'
  if (startsWith(bytes, 0, 'II*\0') || startsWith(bytes, 0, 'MM\0*')) return 'it is a TIFF picture'
  if (isText(bytes)) return 'it is a text file'
  return 'its first bytes are of no known picture type'
}

/**
 * Pixels as the header says; undefined when the header is broken or lies behind `head`.
 * A JPEG keeps its size behind its metadata: see {@link findJpegSize} for a head that is too short.
 */
export function readDimensions(head: Uint8Array, mime: PictureType): Dimensions | undefined {
  const bytes = asBuffer(head)
  if (mime === 'image/png') return readPng(bytes)
  if (mime === 'image/gif')
    return bytes.length < 10 ? undefined : size(bytes.readUInt16LE(6), bytes.readUInt16LE(8))
  if (mime === 'image/webp') return readWebp(bytes)
  if (mime === 'image/avif') return readAvif(bytes)
  const found = findJpegSize(bytes, 2)
  return typeof found === 'number' ? undefined : found
}

/**
 * Walks the segments of a JPEG from `position`, which must be that of a marker.
 * The size; or where the next marker is, when that lies behind `bytes`; or undefined when this is no JPEG.
 */
export function findJpegSize(bytes: Buffer, position: number): Dimensions | number | undefined {
  let at = position
  while (at + 9 <= bytes.length) {
    if (bytes[at] !== 0xff) return undefined
    const marker = bytes[at + 1] ?? 0
    if (marker === 0xff) at += 1
    else if (isFrame(marker)) return size(bytes.readUInt16BE(at + 7), bytes.readUInt16BE(at + 5))
    else if (marker === 0xda || marker === 0xd9) return undefined
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) at += 2
    else at += 2 + bytes.readUInt16BE(at + 2)
  }
  return at
}

/** SOF0 to SOF15, without DHT, JPG and DAC which lie among them (ITU T.81, table B.1). */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
}

function readPng(bytes: Buffer): Dimensions | undefined {
  if (!startsWith(bytes, 12, 'IHDR') || bytes.length < 24) return undefined
  return size(bytes.readUInt32BE(16), bytes.readUInt32BE(20))
}

/** The three forms of RFC 9649: lossy, lossless, extended. */
function readWebp(bytes: Buffer): Dimensions | undefined {
  if (bytes.length < 30) return undefined
  if (startsWith(bytes, 12, 'VP8X')) return size(bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1)
  if (startsWith(bytes, 12, 'VP8L')) {
    const bits = bytes.readUInt32LE(21)
    return bytes[20] === 0x2f ? size((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1) : undefined
  }
  if (!startsWith(bytes, 12, 'VP8 ') || !startsWith(bytes, 23, '\x9d\x01\x2a')) return undefined
  return size(bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff)
}

/** The largest `ispe` property: tiles, thumbnails and alpha planes have their own, none larger than the picture. */
function readAvif(bytes: Buffer): Dimensions | undefined {
  let largest: Dimensions | undefined
  for (
    let at = bytes.indexOf('ispe', 16);
    at !== -1 && at + 16 <= bytes.length;
    at = bytes.indexOf('ispe', at + 4)
  ) {
    const found = size(bytes.readUInt32BE(at + 8), bytes.readUInt32BE(at + 12))
    if (bytes.readUInt32BE(at - 4) !== 20 || found === undefined) continue
    if (largest === undefined || found.width * found.height > largest.width * largest.height) largest = found
  }
  return largest
}

function isAvif(bytes: Buffer): boolean {
  if (bytes.length < 16) return false
  const end = Math.min(bytes.readUInt32BE(0), bytes.length)
  for (let at = 8; at + 4 <= end; at += 4) {
    if (at !== 12 && (startsWith(bytes, at, 'avif') || startsWith(bytes, at, 'avis'))) return true
  }
  return false
}

function isText(bytes: Buffer): boolean {
  const start = bytes.subarray(0, 512)
  return !start.includes(0) && !start.toString('utf8').slice(0, -1).includes('\ufffd')
}

function size(width: number, height: number): Dimensions | undefined {
  return width > 0 && height > 0 ? { width, height } : undefined
}

function startsWith(bytes: Buffer, at: number, text: string): boolean {
  return bytes.toString('latin1', at, at + text.length) === text
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
