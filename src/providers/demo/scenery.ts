import { mix } from './colour.ts'
import type { Scene } from './scene.ts'
import { circle, downward, outward, type Point, rectangle, repeat, shape, straight, svg } from './svg.ts'

/** What several motifs are made of. */

export function sky({ width, height, palette }: Scene): string {
  const [top, middle, horizon] = palette.sky
  const stops = [
    [0, top],
    [0.5, middle],
    [1, horizon],
  ] as const
  return downward('sky', stops) + rectangle(0, 0, width, height, 'url(#sky)')
}

/** The sun or moon, with the glow around it; a moon has craters and may be a crescent of light. */
export function sun(scene: Scene, x: number, y: number, radius: number): string {
  const { light, night, sky } = scene.palette
  const glow = outward('glow', [
    [0, light, night ? 0.55 : 0.75],
    [0.3, light, night ? 0.28 : 0.38],
    [1, light, 0],
  ])
  const disc = downward('disc', [
    [0, light],
    [1, mix(light, sky[2], night ? 0.2 : 0.32)],
  ])
  const body = circle(x, y, radius, 'url(#disc)')
  return (
    glow +
    disc +
    circle(x, y, radius * 3.4, 'url(#glow)') +
    body +
    (night ? craters(scene, x, y, radius) : '')
  )
}

function craters({ palette }: Scene, x: number, y: number, radius: number): string {
  const colour = mix(palette.light, palette.sky[1], 0.3)
  const crater = (dx: number, dy: number, size: number) =>
    circle(x + dx * radius, y + dy * radius, size * radius, colour, 0.45)
  return (
    crater(-0.35, -0.25, 0.2) + crater(0.3, 0.2, 0.26) + crater(0.15, -0.5, 0.11) + crater(-0.3, 0.45, 0.13)
  )
}

/** Stars, denser towards the top and ending at `bottom`. */
export function stars({ width, unit, palette, random }: Scene, bottom: number, count = 110): string {
  return repeat(count, () => {
    const depth = random.between(0, 1)
    const size = random.between(0.6, 1.7) * (random.chance(0.08) ? 1.9 : 1) * (unit / 1000 + 0.35)
    return circle(
      random.between(0, width),
      depth * depth * bottom,
      size,
      palette.paper,
      random.between(0.35, 0.95),
    )
  }).join('')
}

/** Long flat clouds: rounded bars that overlap. */
export function clouds(
  { width, unit, palette, random }: Scene,
  top: number,
  bottom: number,
  count: number,
): string {
  const colour = palette.night ? mix(palette.sky[1], palette.paper, 0.25) : palette.paper
  return repeat(count, () => {
    const thick = unit * random.between(0.012, 0.026)
    const x = random.between(-0.1, 0.9) * width
    const y = random.between(top, bottom)
    return repeat(random.whole(2, 3), (row) => {
      const length = unit * random.between(0.16, 0.42)
      const shift = unit * random.between(-0.1, 0.14)
      return svg`<rect x="${x + shift}" y="${y + row * thick * 0.96}" width="${length}" height="${thick}" rx="${thick / 2}" fill="${colour}" opacity="${palette.night ? 0.16 : 0.42}"/>`
    }).join('')
  }).join('')
}

export interface RidgeOptions {
  /** Height of the middle of the line, from the top. */
  level: number
  /** How far the line leaves it. */
  swing: number
  /** 0: soft hills … 1: jagged peaks. */
  rough: number
  /** Bigger means more hills side by side. */
  frequency: number
}

/** A skyline of land from the left edge to the right, by adding waves of rising frequency. */
export function ridge({ width, unit, random }: Scene, options: RidgeOptions): Point[] {
  const waves = repeat(options.rough > 0.3 ? 7 : 3, (octave) => ({
    frequency: options.frequency * 1.9 ** octave * random.between(0.85, 1.15),
    phase: random.between(0, 7),
    weight: (0.32 + options.rough * 0.22) ** octave,
  }))
  const steps = Math.ceil(48 + (width / unit) * 60)
  return repeat(steps + 1, (index) => {
    const x = (index / steps) * width
    const height = waves.reduce(
      (sum, wave) => sum + wave.weight * swell((x / unit) * wave.frequency + wave.phase, options.rough),
      0,
    )
    return [x, options.level - height * options.swing]
  })
}

/** -1..1: a sine, or for rough land one that is folded so that its tops are sharp. */
function swell(angle: number, rough: number): number {
  const sine = Math.sin(angle)
  return sine * (1 - rough) + (1 - 2 * Math.abs(Math.sin(angle / 2))) * rough
}

/** Land under a skyline, paler towards its foot as if mist lay there. */
export function land(scene: Scene, id: string, line: readonly Point[], colour: string, haze: number): string {
  const { width, height, palette } = scene
  const top = Math.min(...line.map(([, y]) => y))
  const fill = svg`<linearGradient id="${id}" gradientUnits="userSpaceOnUse" x1="0" x2="0" y1="${top}" y2="${height}"><stop offset="0" stop-color="${colour}"/><stop offset="1" stop-color="${mix(colour, palette.sky[2], haze)}"/></linearGradient>`
  return fill + shape(svg`${straight(line)}L${width} ${height}L0 ${height}Z`, `url(#${id})`)
}

/** Height of a skyline at `x`. */
export function heightAt(line: readonly Point[], x: number): number {
  const next = line.findIndex(([at]) => at >= x)
  const [bx, by] = line[Math.max(next, 1)] ?? [x, 0]
  const [ax, ay] = line[Math.max(next, 1) - 1] ?? [bx, by]
  return bx === ax ? by : ay + ((x - ax) / (bx - ax)) * (by - ay)
}

/** A fir of stacked boughs that stands on `y`. */
export function fir({ random }: Scene, x: number, y: number, height: number, colour: string): string {
  const tiers = 5
  const half = height * random.between(0.17, 0.23)
  const side = (sign: number) =>
    repeat(tiers, (tier): Point[] => {
      const down = y - height + (height * 0.94 * (tier + 1)) / tiers
      const reach = (half * (tier + 1)) / tiers
      return [
        [x + sign * reach, down + height * 0.02],
        [x + sign * reach * 0.5, down - height * 0.015],
      ]
    }).flat()
  const trunk = half * 0.14
  const outline: Point[] = [
    [x, y - height],
    ...side(1),
    [x + trunk, y],
    [x - trunk, y],
    ...side(-1).reverse(),
  ]
  return shape(`${straight(outline)}Z`, colour)
}

/** A few birds far away. */
export function birds({ width, unit, palette, random }: Scene, level: number): string {
  const centre = random.between(0.25, 0.7) * width
  return repeat(random.whole(3, 6), () => {
    const size = unit * random.between(0.009, 0.018)
    const x = centre + unit * random.between(-0.16, 0.16)
    const y = level + unit * random.between(-0.07, 0.07)
    return svg`<path d="M${x - size * 1.6} ${y - size * 0.5}Q${x - size * 0.6} ${y - size} ${x} ${y}Q${x + size * 0.6} ${y - size} ${x + size * 1.6} ${y - size * 0.5}" fill="none" stroke="${palette.ink}" stroke-width="${size * 0.24}" stroke-linecap="round" opacity="0.75"/>`
  }).join('')
}
