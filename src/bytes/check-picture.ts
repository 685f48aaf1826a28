import { closeSync, openSync, readSync } from 'node:fs'
import { BytesError } from './bytes-error.ts'
import { describeBytes } from './sniff.ts'
import type { PictureType, Spooled } from './spooled.ts'

export interface PictureLimits {
  /** Default: every type that we recognise. */
  types?: readonly PictureType[]
  /** Default: no limit. */
  maxBytes?: number
  /** Width × height; default 100 million. */
  maxPixels?: number
}

/** libvips and browsers go no further for some types. */
const LONGEST_SIDE = 32_768

const DEFAULT_PIXELS = 100_000_000

/**
 * Whether this is a picture that may be worked with, by its header alone: nothing is decoded.
 * Throws {@link BytesError} `not_a_picture`, `wrong_type`, `too_large`, `no_dimensions`, `too_many_pixels` or `truncated`.
 */
export function checkPicture(picture: Spooled, limits: PictureLimits = {}): void {
  const { mime, width, height } = picture
  if (mime === undefined) throw new BytesError('not_a_picture', describeFile(picture))
  if (limits.types && !limits.types.includes(mime)) {
    throw new BytesError('wrong_type', `it is ${mime}, and only ${limits.types.join(', ')} will do`)
  }
  if (limits.maxBytes !== undefined && picture.bytes > limits.maxBytes) {
    throw new BytesError('too_large', `it has ${picture.bytes} bytes, and at most ${limits.maxBytes} will do`)
  }
  if (width === undefined || height === undefined) {
    const detail = picture.complete ? 'its header is broken' : 'it ends before its size is known'
    throw new BytesError(picture.complete ? 'no_dimensions' : 'truncated', detail)
  }
  checkPixels(width, height, limits.maxPixels ?? DEFAULT_PIXELS)
  if (!picture.complete) throw new BytesError('truncated', 'the end of the picture is missing')
}

function checkPixels(width: number, height: number, maxPixels: number): void {
  if (width * height <= maxPixels && Math.max(width, height) <= LONGEST_SIDE) return
  const allowed = `at most ${maxPixels} pixels and ${LONGEST_SIDE} a side will do`
  throw new BytesError('too_many_pixels', `it has ${width}×${height} pixels, and ${allowed}`)
}

/** Read now, since it is wanted only for the few that are refused. */
function describeFile(picture: Spooled): string {
  const head = Buffer.alloc(1024)
  let file: number | undefined
  try {
    file = openSync(picture.path, 'r')
    return describeBytes(head.subarray(0, readSync(file, head, 0, head.length, 0)))
  } catch {
    return 'it is of no known picture type'
  } finally {
    if (file !== undefined) closeSync(file)
  }
}
