import sharp, { type Sharp } from 'sharp'
import type { Spooled } from '../../bytes/spooled.ts'
import { ProviderError } from '../provider-error.ts'
import type { Box, Size } from './request.ts'

/** Most pixels of a picture that we decode; above it the file is refused by its header. */
const MAX_PIXELS = 100_000_000

/** Pixels in memory, 8 bits for each channel. */
export interface Pixels extends Size {
  data: Buffer
  channels: 1 | 2 | 3 | 4
}

/**
 * A picture upright, cut to the shape that is asked for, as RGB; transparency lies on white.
 * @throws {ProviderError} `bad_param`
 */
export async function readReference(file: Spooled, size: Size): Promise<Pixels> {
  const picture = openFile(file, size).flatten({ background: 'white' }).toColourspace('srgb')
  return readable('image', () => toPixels(picture))
}

/** What a mask lets be changed. */
export interface EditMask {
  /** One channel: 255 where the picture may change. */
  pixels: Pixels
  /** The smallest box around that, in pixels; empty where nothing may. */
  box: Box
}

/**
 * A mask in the shape that is asked for: transparent means editable (OpenAI images API).
 * @throws {ProviderError} `bad_param` also where the mask has no transparency at all
 */
export async function readMask(file: Spooled, size: Size): Promise<EditMask> {
  const { hasAlpha } = await readable('mask', () => sharp(file.path).metadata())
  if (!hasAlpha) throw unusable('mask', 'it has no alpha channel; transparent parts are the ones to edit')
  const picture = openFile(file, size).extractChannel('alpha').negate().toColourspace('b-w')
  const pixels = await readable('mask', () => toPixels(picture))
  return { pixels, box: boxOf(pixels) }
}

export async function toPixels(picture: Sharp): Promise<Pixels> {
  const { data, info } = await picture.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height, channels: info.channels }
}

export function fromPixels({ data, width, height, channels }: Pixels): Sharp {
  return sharp(data, { raw: { width, height, channels } })
}

function openFile(file: Spooled, size: Size): Sharp {
  return sharp(file.path, { limitInputPixels: MAX_PIXELS, failOn: 'error', pages: 1 })
    .autoOrient()
    .resize(size.width, size.height, { fit: 'cover' })
}

async function readable<T>(param: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    throw unusable(param, 'the picture cannot be decoded', cause)
  }
}

function unusable(param: string, detail: string, cause?: unknown): ProviderError {
  return new ProviderError('bad_param', { param, detail, cause })
}

function boxOf({ data, width, height }: Pixels): Box {
  let [left, top, right, bottom] = [width, height, 0, 0]
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width, (y + 1) * width)
    const first = row.findIndex((value) => value > 127)
    if (first < 0) continue
    left = Math.min(left, first)
    right = Math.max(right, row.findLastIndex((value) => value > 127) + 1)
    top = Math.min(top, y)
    bottom = y + 1
  }
  return { x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) }
}
