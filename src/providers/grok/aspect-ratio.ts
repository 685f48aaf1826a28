import type { ImageJob, Warning } from '../../../contract/job.ts'

/** What the upstream takes as `aspect_ratio`. The first five are as old as the protocol. */
export const ASPECT_RATIOS = [
  '2:3',
  '1:1',
  '3:2',
  '9:16',
  '16:9',
  '3:4',
  '4:3',
  '1:2',
  '2:1',
  '9:19.5',
  '19.5:9',
  '9:20',
  '20:9',
] as const

/** What the upstream's own site asks for when nobody chose. */
const DEFAULT = '2:3'

/** The nearest ratio that the upstream takes; a warning where that is not quite what was asked for. */
export function fitAspectRatio(job: Pick<ImageJob, 'size' | 'aspectRatio' | 'imageSize'>): {
  aspectRatio: string
  warnings: Warning[]
} {
  const { size, aspectRatio: ratio, imageSize } = job
  const tier = tierWarning(imageSize)
  const bySize = parsePair(size, 'x')
  const wanted = bySize ?? parsePair(ratio, ':')
  if (wanted === undefined) return { aspectRatio: DEFAULT, warnings: tier }
  const nearest = nearestTo(wanted)
  const isSame = distance(nearest, wanted) < SAME_SHAPE && (bySize === undefined || isUsual(bySize))
  if (isSame) return { aspectRatio: nearest, warnings: tier }
  const param = bySize === undefined ? 'aspect_ratio' : 'size'
  const message = `The model chooses the number of pixels itself and does not take ${bySize ? size : ratio}; the nearest ratio was sent: ${nearest}.`
  return { aspectRatio: nearest, warnings: [{ param, message }, ...tier] }
}

interface Pair {
  width: number
  height: number
}

/** Shapes this close look the same: 1792x1024 is sold as 16:9. */
const SAME_SHAPE = Math.log(1.03)
/** The upstream draws about a megapixel. Sizes between these are what clients send to say a ratio. */
const USUAL_PIXELS = { least: 512 * 512, most: 2 * 1024 * 1024 }

function isUsual({ width, height }: Pair): boolean {
  const pixels = width * height
  return pixels >= USUAL_PIXELS.least && pixels <= USUAL_PIXELS.most
}

function nearestTo(wanted: Pair): string {
  const [nearest = DEFAULT] = ASPECT_RATIOS.toSorted((a, b) => distance(a, wanted) - distance(b, wanted))
  return nearest
}

function distance(ratio: string, wanted: Pair): number {
  const { width, height } = parsePair(ratio, ':') ?? wanted
  return Math.abs(Math.log((width * wanted.height) / (height * wanted.width)))
}

function parsePair(text: string | undefined, separator: 'x' | ':'): Pair | undefined {
  const [width = Number.NaN, height = Number.NaN] = (text ?? '').split(separator).map(Number)
  return width > 0 && height > 0 ? { width, height } : undefined
}

function tierWarning(tier: ImageJob['imageSize']): Warning[] {
  if (tier === undefined || tier === '1K') return []
  const message = `The model draws about one megapixel; ${tier} was not sent.`
  return [{ param: 'image_size', message }]
}
