import { randomUUID } from 'node:crypto'
import { rename, rm } from 'node:fs/promises'
import sharp, { type Sharp } from 'sharp'
import type { OutputFormat } from '../../../contract/job.ts'
import { MAX_PIXELS } from './limits.ts'

export interface ConvertedPicture {
  bytes: number
  /** Pixels, upright. */
  width: number
  height: number
}

/**
 * Writes a picture in another format, for a reply in a format that the upstream did not give. Keeps the ICC profile,
 * applies EXIF orientation, takes the first frame of an animation, and puts transparency on white for jpeg.
 * @param target appears whole or not at all
 * @param quality percent, for jpeg and webp
 * @throws whatever libvips says of a file that is no picture, broken, or above {@link MAX_PIXELS}
 */
export async function convertPicture(
  source: string,
  target: string,
  format: OutputFormat,
  quality = 90,
): Promise<ConvertedPicture> {
  const unfinished = `${target}.${randomUUID()}.part`
  try {
    const info = await encode(open(source), format, quality).toFile(unfinished)
    await rename(unfinished, target)
    return { bytes: info.size, width: info.width, height: info.height }
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
}

function open(source: string): Sharp {
  return sharp(source, { limitInputPixels: MAX_PIXELS, failOn: 'error', pages: 1 })
    .autoOrient()
    .keepIccProfile()
}

/** The picture in a format. `quality`: percent, for jpeg and webp. */
export function encode(image: Sharp, format: OutputFormat, quality: number): Sharp {
  switch (format) {
    case 'png':
      return image.png({ compressionLevel: 6 })
    case 'jpeg':
      return image.flatten({ background: 'white' }).jpeg({ quality: clamp(quality) })
    case 'webp':
      return image.webp({ quality: clamp(quality) })
  }
}

/** Clients may ask for 0, which the encoders refuse. */
function clamp(quality: number): number {
  return Math.min(100, Math.max(1, Math.round(quality)))
}
