import { mix } from '../colour.ts'
import type { Scene } from '../scene.ts'
import { birds, clouds, heightAt, ridge, sky, stars, sun } from '../scenery.ts'
import { type Point, repeat, shape, smooth, svg } from '../svg.ts'

const DUNES = 5

/** Dunes with a bright and a shaded face, under a large sun; cacti stand on them. */
export function desert(scene: Scene): string {
  const { width, height, unit, palette, random } = scene
  return [
    sky(scene),
    palette.night ? stars(scene, height * 0.5) : '',
    sun(
      scene,
      width * random.between(0.3, 0.7),
      height * random.between(0.3, 0.42),
      unit * random.between(0.14, 0.2),
    ),
    clouds(scene, height * 0.12, height * 0.36, 3),
    palette.night ? '' : birds(scene, height * 0.24),
    ...repeat(DUNES, (index) => dune(scene, index)),
  ].join('')
}

function dune(scene: Scene, index: number): string {
  const { width, height, unit, palette } = scene
  const depth = index / (DUNES - 1)
  const colour = mix(palette.far, palette.near, depth * 0.85)
  const line = ridge(scene, {
    level: height * (0.56 + depth * 0.3),
    swing: Math.min(unit * 0.09, height * 0.08) * (0.55 + depth * 0.5),
    rough: 0.12,
    frequency: 2.4 - depth * 0.6,
  })
  const lit = mix(colour, palette.light, 0.26)
  const fill = svg`<linearGradient id="dune${index}" x1="0" x2="0.25" y1="0" y2="1"><stop offset="0" stop-color="${lit}"/><stop offset="1" stop-color="${colour}"/></linearGradient>`
  const body = shape(svg`${smooth(line)}L${width} ${height}L0 ${height}Z`, `url(#dune${index})`)
  const plants = index === 2 || index === 4 ? cacti(scene, line, depth) : ''
  return fill + body + shade(scene, `shade${index}`, line, mix(colour, palette.near, 0.5)) + plants
}

/** The face that lies away from the sun: from the highest crest a winding edge runs down to the foot. */
function shade(
  { width, height, unit, random }: Scene,
  id: string,
  line: readonly Point[],
  colour: string,
): string {
  const crests = line.filter(([, y], at) => y < (line[at - 1]?.[1] ?? 0) && y <= (line[at + 1]?.[1] ?? 0))
  const [x, y] = crests.reduce<Point>((best, point) => (point[1] < best[1] ? point : best), [-1, height])
  if (x < 0) return ''
  const down = height - y
  const bend = unit * random.between(0.06, 0.16)
  const edge = svg`M${x} ${y}C${x - bend} ${y + down * 0.12} ${x + bend * 1.6} ${y + down * 0.2} ${x + bend * 0.7} ${y + down * 0.36}S${x - bend} ${y + down * 0.6} ${x + bend} ${height}`
  const crest = line.filter(([at]) => at > x).toReversed()
  const reach = x + unit * 0.75
  const fade = svg`<linearGradient id="${id}" gradientUnits="userSpaceOnUse" x1="${x}" x2="${reach}" y1="0" y2="0"><stop offset="0" stop-color="${colour}" stop-opacity="0.75"/><stop offset="1" stop-color="${colour}" stop-opacity="0"/></linearGradient>`
  return fade + shape(svg`${edge}H${width}${crest.map(([cx, cy]) => svg`L${cx} ${cy}`)}Z`, `url(#${id})`)
}

function cacti(scene: Scene, line: readonly Point[], depth: number): string {
  const { width, unit, palette, random } = scene
  return repeat(random.whole(1, 2) + depth * Math.round(width / unit), () => {
    const x = width * random.between(0.08, 0.92)
    const size = unit * random.between(0.09, 0.15) * (0.6 + depth * 0.8)
    return cactus(
      [x, heightAt(line, x) + size * 0.08],
      size,
      mix(palette.near, palette.ink, 0.35 + depth * 0.4),
      random.pick([-1, 1]),
    )
  }).join('')
}

function cactus([x, y]: Point, size: number, colour: string, side: number): string {
  const arm = (sign: number, low: number, high: number) =>
    svg`M${x} ${y - size * low}h${sign * size * 0.16}q${sign * size * 0.1} 0 ${sign * size * 0.1} ${-size * 0.1}v${-size * high}`
  return svg`<path d="M${x} ${y}v${-size}${arm(side, 0.4, 0.2)}${arm(-side, 0.28, 0.34)}" fill="none" stroke="${colour}" stroke-width="${size * 0.13}" stroke-linecap="round" stroke-linejoin="round"/>`
}
