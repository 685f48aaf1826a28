import type { Spooled } from '../../bytes/spooled.ts'

/** Longest side of a picture that was made larger, in pixels. */
export const LARGEST_SIDE = 4096

const FACTOR = 2

/** Pixels; a checked picture has both. */
export type Sides = Pick<Spooled, 'width' | 'height'>

/** The size that an upscaled picture shall have: as asked where that is larger, else twice its own, within the limit. */
export function enlargedSize({ width = 0, height = 0 }: Sides, asked: string | undefined) {
  const [wide = 0, high = 0] = (asked ?? '').split('x').map(Number)
  const wish = Math.min(wide / width, high / height)
  const factor = Math.min(wish > 1 ? wish : FACTOR, LARGEST_SIDE / Math.max(width, height))
  return { width: Math.round(width * factor), height: Math.round(height * factor) }
}

/** Whether one picture has more pixels than the other. */
export const isLarger = (one: Sides, other: Sides): boolean => pixels(one) > pixels(other)

const pixels = ({ width = 0, height = 0 }: Sides) => width * height
