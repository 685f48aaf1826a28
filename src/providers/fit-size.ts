import type { ImageJob, ImageSize, Warning } from '../../contract/job.ts'
import type { Capabilities } from './provider.ts'

/** What has to be known of a model to choose a size for it. */
export interface SizeTraits extends Pick<Capabilities, 'sizes' | 'aspectRatios'> {
  /** Tiers that stand for pixels where the model takes a ratio instead of a size. */
  resolutions: readonly Resolution[]
  /** Widest allowed ratio of the long to the short side; for free sizes. */
  maxRatio: number
  /** Most pixels in all; for free sizes. */
  maxPixels: number
}

export type Resolution = '512' | '1k' | '2k' | '4k'

/** The size as the model wants to hear it. */
export interface SizeFields {
  size?: string
  aspect_ratio?: string
  resolution?: Resolution
}

/** Turns the wanted size, ratio or tier into what the model takes; a warning where that is not quite the same. */
export function fitSize(
  job: Pick<ImageJob, 'size' | 'aspectRatio' | 'imageSize'>,
  traits: SizeTraits,
): { fields: SizeFields; warnings: Warning[] } {
  const wish = wishOf(job)
  if (wish === undefined) return { fields: {}, warnings: [] }
  const { fields, exact } = fitTo(wish, traits)
  const warnings = exact ? [] : [{ param: wish.param, message: explain(wish.asked, fields) }]
  return { fields, warnings }
}

interface Pair {
  width: number
  height: number
}

interface Wish {
  /** The parameter to name where it cannot be had. */
  param: 'size' | 'aspect_ratio' | 'image_size'
  /** In the caller's words. */
  asked: string
  /** Undefined where only a tier is wanted. */
  shape: Pair | undefined
  /** Exactly these. */
  pixels: Pair | undefined
  tier: Resolution | undefined
}

interface Fitted {
  fields: SizeFields
  /** Nobody would call it another size or shape than was asked for. */
  exact: boolean
}

/** Ratios this close look the same (1344×768 is sold as 16:9). */
const SAME_RATIO = Math.log(1.03)
/** Tiers are rough: within this factor of pixels a tier is what was asked for. */
const SAME_TIER = Math.log(2)

const TIER_PIXELS: Record<Resolution, number> = {
  '512': 512 * 512,
  '1k': 1024 * 1024,
  '2k': 2048 * 2048,
  '4k': 4096 * 4096,
}

const TIERS: Record<ImageSize, Resolution> = { '512': '512', '1K': '1k', '2K': '2k', '4K': '4k' }

/** A size in pixels says all at once and wins over ratio and tier. */
function wishOf({ size, aspectRatio, imageSize }: Parameters<typeof fitSize>[0]): Wish | undefined {
  const pixels = parsePair(size, 'x')
  if (pixels !== undefined) return { param: 'size', asked: `${size}`, shape: pixels, pixels, tier: undefined }
  const shape = parsePair(aspectRatio, ':')
  if (imageSize === undefined) {
    if (shape === undefined) return undefined
    return { param: 'aspect_ratio', asked: `${aspectRatio}`, shape, pixels, tier: undefined }
  }
  const asked = shape === undefined ? imageSize : `${aspectRatio} at ${imageSize}`
  return { param: 'image_size', asked, shape, pixels, tier: TIERS[imageSize] }
}

function fitTo(wish: Wish, traits: SizeTraits): Fitted {
  if (traits.sizes.rule === 'list') return fitList(wish, traits.sizes.list)
  if (traits.sizes.rule === 'free') return fitFree(wish, traits.sizes, traits)
  return fitRatio(wish, traits)
}

/** The same shape matters more than the same number of pixels. */
function fitList(wish: Wish, list: readonly string[]): Fitted {
  const choices = list.flatMap((size) => parsePair(size, 'x') ?? [])
  const target = targetOf(wish)
  const best = nearest(
    choices,
    (choice) => 100 * shapeDistance(choice, wish.shape ?? SQUARE) + areaDistance(choice, target),
  )
  return best === undefined ? { fields: {}, exact: false } : sized(best, wish)
}

function fitFree(wish: Wish, { step, max }: { step: number; max: number }, traits: SizeTraits): Fitted {
  const { width, height } = limitRatio(targetOf(wish), traits.maxRatio)
  const shrink = Math.min(1, max / Math.max(width, height), Math.sqrt(traits.maxPixels / (width * height)))
  // Down, so that rounding breaks no limit; it may still have made the shape a little longer.
  const round = (side: number) => Math.max(step, Math.floor((side * shrink) / step) * step)
  return sized(limitRatio({ width: round(width), height: round(height) }, traits.maxRatio), wish)
}

function sized({ width, height }: Pair, wish: Wish): Fitted {
  const { pixels, shape, tier } = wish
  const sameShape = shape === undefined || shapeDistance({ width, height }, shape) < SAME_RATIO
  const sameTier = tier === undefined || tierDistance({ width, height }, tier) <= SAME_TIER
  const exact =
    pixels === undefined ? sameShape && sameTier : width === pixels.width && height === pixels.height
  return { fields: { size: `${width}x${height}` }, exact }
}

function fitRatio(wish: Wish, { aspectRatios, resolutions }: SizeTraits): Fitted {
  const ratio = fitShape(wish.shape, aspectRatios)
  const resolution = fitTier(wish, resolutions)
  return { fields: { ...ratio.fields, ...resolution.fields }, exact: ratio.exact && resolution.exact }
}

const NOTHING_WANTED: Fitted = { fields: {}, exact: true }

function fitShape(shape: Pair | undefined, ratios: readonly string[]): Fitted {
  if (shape === undefined) return NOTHING_WANTED
  const choices = ratios.flatMap((ratio) => {
    const pair = parsePair(ratio, ':')
    return pair === undefined ? [] : [{ ratio, ...pair }]
  })
  const best = nearest(choices, (choice) => shapeDistance(choice, shape))
  if (best === undefined) return { fields: {}, exact: false }
  return { fields: { aspect_ratio: best.ratio }, exact: shapeDistance(best, shape) < SAME_RATIO }
}

function fitTier({ pixels, tier }: Wish, resolutions: readonly Resolution[]): Fitted {
  if (pixels === undefined && tier === undefined) return NOTHING_WANTED
  const distance = (choice: Resolution) =>
    Math.abs(
      Math.log((pixels ? pixels.width * pixels.height : TIER_PIXELS[tier ?? '1k']) / TIER_PIXELS[choice]),
    )
  const best = nearest(resolutions, distance)
  if (best === undefined) return { fields: {}, exact: false }
  const exact = tier === undefined ? distance(best) <= SAME_TIER : best === tier
  return { fields: { resolution: best }, exact }
}

const SQUARE: Pair = { width: 1, height: 1 }

/** The pixels to come near to. Without any, about a million: the usual size of a picture. */
function targetOf({ pixels, shape, tier }: Wish): Pair {
  if (pixels !== undefined) return pixels
  const { width, height } = shape ?? SQUARE
  const unit = Math.sqrt(TIER_PIXELS[tier ?? '1k'] / (width * height))
  return { width: toMultiple(width * unit), height: toMultiple(height * unit) }
}

function toMultiple(side: number): number {
  return Math.round(side / 16) * 16
}

function limitRatio({ width, height }: Pair, maxRatio: number): Pair {
  return {
    width: Math.min(width, height * maxRatio),
    height: Math.min(height, width * maxRatio),
  }
}

function shapeDistance(one: Pair, other: Pair): number {
  return Math.abs(Math.log((one.width * other.height) / (one.height * other.width)))
}

function areaDistance(one: Pair, other: Pair): number {
  return Math.abs(Math.log((one.width * one.height) / (other.width * other.height)))
}

function tierDistance({ width, height }: Pair, tier: Resolution): number {
  return Math.abs(Math.log((width * height) / TIER_PIXELS[tier]))
}

function nearest<T>(choices: readonly T[], distance: (choice: T) => number): T | undefined {
  return [...choices].sort((one, other) => distance(one) - distance(other))[0]
}

function parsePair(text: string | undefined, separator: 'x' | ':'): Pair | undefined {
  const [width = Number.NaN, height = Number.NaN] = (text ?? '').split(separator).map(Number)
  return width > 0 && height > 0 ? { width, height } : undefined
}

function explain(asked: string, { size, aspect_ratio, resolution }: SizeFields): string {
  const sent = size ?? [aspect_ratio, resolution].filter((part) => part !== undefined).join(' at ')
  if (sent === '') return `The model chooses the size itself; ${asked} was not sent.`
  return `The model does not take ${asked}; the nearest it takes was sent: ${sent}.`
}
