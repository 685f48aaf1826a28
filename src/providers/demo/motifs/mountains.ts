import { mix } from '../colour.ts'
import type { Scene } from '../scene.ts'
import { birds, clouds, fir, heightAt, land, ridge, sky, stars, sun } from '../scenery.ts'
import { type Point, repeat, shape, straight, svg } from '../svg.ts'

const LAYERS = 5

/** A great peak in the sun, ranges fading towards it, firs in front. */
export function mountains(scene: Scene): string {
  const { width, height, unit, palette, random } = scene
  const left = random.chance(0.5)
  const light = {
    x: width * (left ? random.between(0.2, 0.34) : random.between(0.66, 0.8)),
    y: height * random.between(0.24, 0.34),
  }
  const summit: Point = [
    width * (left ? random.between(0.56, 0.68) : random.between(0.32, 0.44)),
    height * random.between(0.24, 0.3),
  ]
  return [
    sky(scene),
    palette.night ? stars(scene, height * 0.55) : '',
    sun(scene, light.x, light.y, unit * random.between(0.085, 0.12)),
    clouds(scene, height * 0.14, height * 0.42, 4),
    peak(scene, summit, left),
    ...repeat(LAYERS, (index) => range(scene, index)),
    palette.night ? '' : birds(scene, height * 0.17),
  ].join('')
}

/** A mountain of two faces with snow on it; the side towards the light is brighter. */
function peak(scene: Scene, [x, y]: Point, litFromLeft: boolean): string {
  const { height, unit, palette, random } = scene
  const foot = height * 0.78
  const half = Math.max(unit * 0.6, (foot - y) * 1.02)
  const body = mix(palette.far, palette.sky[1], 0.25)
  const slope = (sign: number) => jagged(scene, [x, y], [x + sign * half, foot], 12, 0.02)
  const crest = jagged(scene, [x, y], [x + unit * random.between(-0.08, 0.08), foot], 12, 0.045)
  const face = (sign: number) => straight([...slope(sign), ...crest.toReversed()])
  const bright = litFromLeft ? -1 : 1
  const lit = face(bright)
  const dark = face(-bright)
  const snow = mix(palette.paper, palette.light, 0.25)
  const cap = snowCap(scene, [x, y], half, foot)
  return [
    svg`<clipPath id="lit"><path d="${lit}Z"/></clipPath><clipPath id="dark"><path d="${dark}Z"/></clipPath>`,
    shape(dark, mix(body, palette.near, 0.34)),
    shape(lit, mix(body, palette.light, 0.16)),
    svg`<g clip-path="url(#dark)">${shape(cap, mix(snow, palette.near, 0.3))}</g>`,
    svg`<g clip-path="url(#lit)">${shape(cap, snow)}</g>`,
  ].join('')
}

function snowCap({ random }: Scene, [x, y]: Point, half: number, foot: number): string {
  const depth = (foot - y) * random.between(0.3, 0.4)
  const reach = (half * depth) / (foot - y) + half * 0.1
  const teeth = repeat(13, (index): Point => {
    const down = index % 2 ? random.between(0.45, 0.8) : random.between(0.95, 1.3)
    return [x - reach + (index / 12) * reach * 2, y + depth * down]
  })
  return `${straight([[x - reach, y], ...teeth, [x + reach, y]])}Z`
}

/** A broken line between two points. */
function jagged({ random }: Scene, from: Point, to: Point, steps: number, amount: number): Point[] {
  const length = Math.hypot(to[0] - from[0], to[1] - from[1])
  return repeat(steps + 1, (index): Point => {
    const part = index / steps
    const sway = index === 0 || index === steps ? 0 : random.between(-amount, amount) * length
    return [from[0] + (to[0] - from[0]) * part + sway, from[1] + (to[1] - from[1]) * part + sway * 0.25]
  })
}

function range(scene: Scene, index: number): string {
  const { height, unit, palette } = scene
  const depth = index / (LAYERS - 1)
  const colour = mix(palette.far, palette.near, depth ** 1.15)
  const line = ridge(scene, {
    level: height * (0.6 + depth * 0.29),
    swing: Math.min(unit * 0.2, height * 0.16) * (0.5 - depth * 0.24),
    rough: 0.75 - depth * 0.35,
    frequency: 3.4 + depth * 1.4,
  })
  return (
    (index >= LAYERS - 2 ? firs(scene, line, colour, depth) : '') +
    land(scene, `range${index}`, line, colour, 0.34 * (1 - depth))
  )
}

function firs(scene: Scene, line: readonly Point[], colour: string, depth: number): string {
  const { width, unit, random } = scene
  return repeat(random.whole(16, 24) * Math.sqrt(width / unit), () => {
    const x = random.between(0, width)
    const size = unit * random.between(0.05, 0.11) * (depth === 1 ? 1.35 : 0.75)
    return fir(scene, x, heightAt(line, x) + size * 0.1, size, colour)
  }).join('')
}
