import type { Sharp } from 'sharp'

/**
 * The difference hash of a picture: each of 8×8 cells tells whether it is darker than its right neighbour.
 * It survives scaling, re-encoding and small changes of colour.
 * @returns 64 bits as 16 hex digits, first bit top left
 */
export async function differenceHash(picture: Sharp): Promise<string> {
  const grey = await picture
    .flatten({ background: 'white' })
    .greyscale()
    .resize(9, 8, { fit: 'fill' })
    .raw()
    .toBuffer()
  let bits = 0n
  for (let row = 0; row < 8; row++)
    for (let column = 0; column < 8; column++) {
      const at = row * 9 + column
      bits = (bits << 1n) | (level(grey, at) < level(grey, at + 1) ? 1n : 0n)
    }
  return bits.toString(16).padStart(16, '0')
}

function level(grey: Buffer, at: number): number {
  return grey[at] ?? 0
}
