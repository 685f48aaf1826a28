import sharp from 'sharp'
import type { OutputFormat } from '../../../contract/job.ts'
import { encode } from './convert.ts'
import { MAX_PIXELS } from './limits.ts'

export interface EnlargeInput {
  /** Path of the picture. */
  source: string
  /** Path of the larger one; half a file stays there when it fails. */
  target: string
  /** Pixels of the longer side. */
  side: number
  format: OutputFormat
}

/** A picture that is made larger should not lose by it. Percent. */
const QUALITY = 95

/**
 * Writes a picture in a larger size, with the Lanczos filter. Keeps its shape and ICC profile, applies EXIF orientation and
 * takes the first frame of an animation.
 * @throws whatever libvips says of a file that is no picture, broken, or above {@link MAX_PIXELS}
 */
export async function enlargePicture({ source, target, side, format }: EnlargeInput): Promise<void> {
  const picture = sharp(source, { limitInputPixels: MAX_PIXELS, failOn: 'error', pages: 1 })
    .autoOrient()
    .keepIccProfile()
    .resize(side, side, { fit: 'inside', kernel: 'lanczos3' })
  await encode(picture, format, QUALITY).toFile(target)
}
