import type { ImageJob, Warning } from '../../../contract/job.ts'
import type { Resolution, Traits } from './traits.ts'

/** The size as the model wants to hear it. */
export interface SizeFields {
  size?: string
  aspect_ratio?: string
  resolution?: Resolution
}

/** Turns the wanted size or ratio into what the model takes; a warning where that is not quite the same. */
export function fitSize(
  job: Pick<ImageJob, 'size' | 'aspectRatio'>,
  traits: Traits,
): { fields: SizeFields; warnings: Warning[] } {
  const pixels = parsePair(job.size, 'x')
  const param = pixels === undefined ? 'aspect_ratio' : 'size'
  const wanted = pixels ?? parsePair(job.aspectRatio, ':')
  if (wanted === undefined) return { fields: {}, warnings: [] }
  const asked = pixels === undefined ? `${job.aspectRatio}` : `${job.size}`
  const { fields, exact } = fitTo(wanted, pixels !== undefined, traits)
  const warnings = exact ? [] : [{ param, message: explain(asked, fields) }]
  return { fields, warnings }
}

interface Pair {
  width: number
  height: number
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
  '1k': 1024 * 1024,
  '2k': 2048 * 2048,
  '4k': 4096 * 4096,
}

function fitTo(wanted: Pair, inPixels: boolean, traits: Traits): Fitted {
  const { sizes } = traits
  if (sizes.rule === 'list') return fitList(wanted, inPixels, sizes.list)
  if (sizes.rule === 'free')
    return fitFree(inPixels ? wanted : megapixel(wanted), inPixels, sizes.step, sizes.max, traits)
  return fitRatio(wanted, inPixels, traits)
}

/** The same shape matters more than the same number of pixels. */
function fitList(wanted: Pair, inPixels: boolean, list: readonly string[]): Fitted {
  const choices = list.flatMap((size) => parsePair(size, 'x') ?? [])
  const target = inPixels ? wanted : megapixel(wanted)
  const best = nearest(
    choices,
    (choice) => 100 * shapeDistance(choice, wanted) + areaDistance(choice, target),
  )
  if (best === undefined) return { fields: {}, exact: false }
  const exact = inPixels
    ? best.width === wanted.width && best.height === wanted.height
    : shapeDistance(best, wanted) < SAME_RATIO
  return { fields: { size: `${best.width}x${best.height}` }, exact }
}

function fitFree(wanted: Pair, inPixels: boolean, step: number, max: number, traits: Traits): Fitted {
  const { width, height } = limitRatio(wanted, traits.maxRatio)
  const shrink = Math.min(1, max / Math.max(width, height), Math.sqrt(traits.maxPixels / (width * height)))
  // Down, so that rounding breaks no limit; it may still have made the shape a little longer.
  const round = (side: number) => Math.max(step, Math.floor((side * shrink) / step) * step)
  const size = limitRatio({ width: round(width), height: round(height) }, traits.maxRatio)
  const exact = inPixels
    ? size.width === wanted.width && size.height === wanted.height
    : shapeDistance(size, wanted) < SAME_RATIO
  return { fields: { size: `${size.width}x${size.height}` }, exact }
}

function fitRatio(wanted: Pair, inPixels: boolean, { aspectRatios, resolutions }: Traits): Fitted {
  const choices = aspectRatios.flatMap((ratio) => {
    const pair = parsePair(ratio, ':')
    return pair === undefined ? [] : [{ ratio, ...pair }]
  })
  const best = nearest(choices, (choice) => shapeDistance(choice, wanted))
  if (best === undefined) return { fields: {}, exact: false }
  const sameShape = shapeDistance(best, wanted) < SAME_RATIO
  if (!inPixels) return { fields: { aspect_ratio: best.ratio }, exact: sameShape }
  const distance = (tier: Resolution) =>
    Math.abs(Math.log((wanted.width * wanted.height) / TIER_PIXELS[tier]))
  const tier = nearest(resolutions, distance)
  if (tier === undefined) return { fields: { aspect_ratio: best.ratio }, exact: false }
  return {
    fields: { aspect_ratio: best.ratio, resolution: tier },
    exact: sameShape && distance(tier) <= SAME_TIER,
  }
}

/** About a million pixels of this shape, the usual size of a picture. */
function megapixel({ width, height }: Pair): Pair {
  const unit = Math.sqrt((1024 * 1024) / (width * height))
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
