import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { rgbaToThumbHash } from 'thumbhash'
import { differenceHash } from './difference-hash.ts'
import { MAX_PIXELS } from './limits.ts'

/** Longer side of a thumbnail in pixels. */
export type ThumbnailSize = 320 | 1280

export interface DeriveInput {
  /** Path of the picture. */
  source: string
  /** Path that the webp thumbnail of this size shall have; missing folders are made. */
  target: (size: ThumbnailSize) => string
}

export interface ThumbnailFile {
  /** Pixels, upright. */
  width: number
  height: number
  bytes: number
}

/** What is worked out once per blob. */
export interface Derivatives {
  /** ThumbHash placeholder in base64, about 28 characters. */
  thumbhash: string
  /** 64-bit difference hash as 16 hex digits; few differing bits mean similar pictures. */
  phash: string
  sizes: Readonly<Record<ThumbnailSize, ThumbnailFile>>
}

/**
 * Makes thumbnails and hashes of one picture, decoding it once. Animations give their first frame, EXIF orientation
 * is applied, and nothing is enlarged. A target appears whole or not at all.
 * @param suffix ends the name of a file that is not finished yet
 * @throws whatever libvips says of a file that is no picture, broken, or above {@link MAX_PIXELS}
 */
export async function makeDerivatives(input: DeriveInput, suffix = '.part'): Promise<Derivatives> {
  const large = await decode(input.source)
  const small = await shrink(large, 320)
  return {
    sizes: {
      1280: await save(large, input.target(1280), suffix),
      320: await save(small, input.target(320), suffix),
    },
    thumbhash: await thumbhash(small),
    phash: await differenceHash(open(small)),
  }
}

/** Pixels in memory: RGBA, 8 bits each. */
interface Pixels {
  data: Buffer
  width: number
  height: number
}

function decode(source: string): Promise<Pixels> {
  return pixels(
    sharp(source, { limitInputPixels: MAX_PIXELS, failOn: 'error', pages: 1 })
      .autoOrient()
      .resize(1280, 1280, { fit: 'inside', withoutEnlargement: true }),
  )
}

function shrink(picture: Pixels, side: number): Promise<Pixels> {
  return pixels(open(picture).resize(side, side, { fit: 'inside', withoutEnlargement: true }))
}

async function pixels(image: Sharp): Promise<Pixels> {
  const { data, info } = await image
    .toColourspace('srgb')
    .ensureAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height }
}

function open({ data, width, height }: Pixels): Sharp {
  return sharp(data, { raw: { width, height, channels: 4 } })
}

async function save(picture: Pixels, target: string, suffix: string): Promise<ThumbnailFile> {
  const webp = await open(picture).webp({ quality: 80, effort: 3 }).toBuffer()
  const unfinished = target + suffix
  await mkdir(dirname(target), { recursive: true })
  try {
    await writeFile(unfinished, webp, { flush: true })
    await rename(unfinished, target)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
  return { width: picture.width, height: picture.height, bytes: webp.length }
}

async function thumbhash(picture: Pixels): Promise<string> {
  const { data, width, height } = await shrink(picture, 100)
  return Buffer.from(rgbaToThumbHash(width, height, data)).toString('base64')
}
