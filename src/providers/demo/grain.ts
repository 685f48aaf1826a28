import type { OverlayOptions } from 'sharp'
import { createRandom } from './random.ts'
import { MIN_SIDE, type Size } from './request.ts'

const SIDE = 256

/** Fine noise over a picture, which makes flat colours look printed and keeps gradients from showing steps. */
export function grain({ width, height }: Size): OverlayOptions {
  const side = Math.min(width, height) < SIDE ? MIN_SIDE : SIDE
  tile ??= makeTile()
  return {
    input: tile.subarray(0, side * side * 4),
    raw: { width: side, height: side, channels: 4 },
    tile: true,
    left: 0,
    top: 0,
    blend: 'over',
  }
}

let tile: Buffer | undefined

/** Black and white specks that are almost transparent: 256 × 256 RGBA. */
function makeTile(): Buffer {
  const random = createRandom('grain')
  const pixels = Buffer.alloc(SIDE * SIDE * 4)
  for (let at = 0; at < pixels.length; at += 4) {
    const strength = random.between(-1, 1) + random.between(-1, 1)
    pixels.fill(strength > 0 ? 255 : 0, at, at + 3)
    pixels[at + 3] = Math.abs(strength) * 9
  }
  return pixels
}
