import { type Dimensions, findJpegSize, readDimensions, sniffType } from './sniff.ts'
import type { PictureType } from './spooled.ts'

/** What the first bytes tell. `position` is where a JPEG's next segment begins when its size lies behind the head. */
export interface HeadFacts {
  mime: PictureType | undefined
  dimensions: Dimensions | undefined
  position?: number
  /** What the format says about where the file ends: WebP's RIFF length, AVIF's second box. */
  end: number
}

/** Reads up to `length` bytes of the file; fewer at its end. */
export type ReadAt = (position: number, length: number) => Promise<Buffer>

/** Padding or garbage that is allowed behind the end marker. */
const SLACK = 4096
const PNG_END = Buffer.from('IEND\xae\x42\x60\x82', 'latin1')
const JPEG_END = Buffer.from([0xff, 0xd9])

/** How much of the end {@link isComplete} wants to see. */
export const TAIL_BYTES = SLACK + PNG_END.length

/** `head` is the beginning of the file: all of it, or at least some ten kilobytes. */
export function inspectHead(head: Buffer): HeadFacts {
  const mime = sniffType(head)
  if (mime === undefined) return { mime, dimensions: undefined, end: 0 }
  if (mime === 'image/jpeg') {
    const found = findJpegSize(head, 2)
    return typeof found === 'number'
      ? { mime, dimensions: undefined, position: found, end: 0 }
      : { mime, dimensions: found, end: 0 }
  }
  return { mime, dimensions: readDimensions(head, mime), end: declaredEnd(head, mime) }
}

/** Walks on through a JPEG whose metadata is longer than its head. */
export async function readLateJpegSize(facts: HeadFacts, readAt: ReadAt): Promise<Dimensions | undefined> {
  let position = facts.position
  for (let segments = 0; position !== undefined && segments < 2000; segments++) {
    const bytes = await readAt(position, 1024)
    const found = findJpegSize(bytes, 0)
    if (typeof found !== 'number') return found
    if (found === 0) return undefined
    position += found
  }
  return undefined
}

/** Whether the file ends as its type must. `tail` is its end, {@link TAIL_BYTES} long unless the file is shorter. */
export async function isComplete(
  facts: HeadFacts,
  bytes: number,
  tail: Buffer,
  readAt: ReadAt,
): Promise<boolean> {
  if (facts.mime === undefined) return true
  if (facts.mime === 'image/png') return tail.lastIndexOf(PNG_END) !== -1
  if (facts.mime === 'image/jpeg') return tail.lastIndexOf(JPEG_END) !== -1
  if (facts.mime === 'image/gif') return tail[lastNonZero(tail)] === 0x3b
  if (facts.mime === 'image/webp') return bytes >= facts.end
  return await boxesFit(facts.end, bytes, readAt)
}

function declaredEnd(head: Buffer, mime: PictureType): number {
  if (mime === 'image/webp') return head.readUInt32LE(4) + 8
  return mime === 'image/avif' ? head.readUInt32BE(0) : 0
}

function lastNonZero(tail: Buffer): number {
  let at = tail.length - 1
  while (at > 0 && tail[at] === 0) at -= 1
  return at
}

/** Walks the boxes of ISO/IEC 14496-12 from one to the next; the last must end where the file does, or before. */
async function boxesFit(start: number, bytes: number, readAt: ReadAt): Promise<boolean> {
  let position = start
  for (let boxes = 0; position < bytes && boxes < 1000; boxes++) {
    const header = await readAt(position, 16)
    const length = header.length < 8 ? undefined : boxLength(header)
    if (length === 0) return true
    if (length === undefined || length < 8) return false
    position += length
  }
  return position === bytes
}

function boxLength(header: Buffer): number | undefined {
  const length = header.readUInt32BE(0)
  if (length !== 1) return length
  return header.length < 16 ? undefined : Number(header.readBigUInt64BE(8))
}
