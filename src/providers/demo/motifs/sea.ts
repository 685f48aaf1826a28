import { mix } from '../colour.ts'
import type { Scene } from '../scene.ts'
import { birds, clouds, land, ridge, sky, stars, sun } from '../scenery.ts'
import { circle, type Point, rectangle, repeat, shape, smooth, svg } from '../svg.ts'

const WAVES = 6

/** A low sun or moon over the sea, its light on the water, a boat, and rolling waves in front. */
export function sea(scene: Scene): string {
  const { width, height, unit, palette, random } = scene
  const horizon = height * random.between(0.5, 0.56)
  const x = width * random.between(0.36, 0.64)
  const radius = Math.min(unit * random.between(0.16, 0.21), height * 0.2)
  return [
    sky(scene),
    palette.night ? stars(scene, horizon * 0.9) : '',
    sun(scene, x, horizon - radius * random.between(0.5, 1.15), radius),
    clouds(scene, height * 0.12, horizon * 0.86, 5),
    palette.night ? '' : birds(scene, horizon * 0.55),
    islands(scene, horizon),
    water(scene, horizon),
    glitter(scene, x, horizon, radius),
    boat(scene, x + radius * random.pick([-1.5, 1.4]), horizon + height * 0.075, unit * 0.085),
    ...repeat(WAVES, (index) => wave(scene, index, horizon)),
  ].join('')
}

function islands(scene: Scene, horizon: number): string {
  const { width, unit, palette, random } = scene
  const side = random.chance(0.5)
  const line = ridge(scene, { level: horizon, swing: unit * 0.05, rough: 0.5, frequency: 2.2 }).map(
    ([x, y]): Point => [x, horizon + (y - horizon - unit * 0.02) * (side ? x / width : 1 - x / width)],
  )
  return land(scene, 'islands', line, mix(palette.far, palette.near, 0.2), 0.2)
}

function water({ width, height, palette }: Scene, horizon: number): string {
  const stops = svg`<stop offset="0" stop-color="${mix(palette.sky[2], palette.far, 0.55)}"/><stop offset="1" stop-color="${mix(palette.far, palette.near, 0.75)}"/>`
  return svg`<linearGradient id="water" x1="0" x2="0" y1="0" y2="1">${stops}</linearGradient>${rectangle(0, horizon, width, height - horizon, 'url(#water)')}`
}

/** Bars of light on the water, wider and rarer towards the viewer. */
function glitter({ height, palette, random }: Scene, x: number, horizon: number, radius: number): string {
  const depth = (height - horizon) * 0.6
  return repeat(26, (index) => {
    const part = (index + random.between(0, 0.8)) / 26
    const length = radius * random.between(0.35, 1.5) * (1.1 - part * 0.35)
    const thick = radius * (0.018 + part * 0.04)
    const left = x - length / 2 + radius * random.between(-0.3, 0.3)
    return svg`<rect x="${left}" y="${horizon + 2 + part * depth}" width="${length}" height="${thick}" rx="${thick / 2}" fill="${palette.light}" opacity="${0.85 - part * 0.55}"/>`
  }).join('')
}

function boat({ palette, random }: Scene, x: number, y: number, size: number): string {
  const turn = random.pick([-1, 1])
  const at = (dx: number, dy: number) => svg`${x + turn * dx * size} ${y + dy * size}`
  return [
    shape(`M${at(0.04, -1.5)}Q${at(0.9, -0.9)} ${at(0.85, -0.18)}L${at(0.04, -0.18)}Z`, palette.paper),
    shape(
      `M${at(-0.06, -1.25)}Q${at(-0.55, -0.6)} ${at(-0.62, -0.18)}L${at(-0.06, -0.18)}Z`,
      palette.accents[0],
    ),
    shape(
      `M${at(-0.8, -0.1)}L${at(0.95, -0.1)}Q${at(0.75, 0.2)} ${at(0.45, 0.22)}L${at(-0.5, 0.22)}Q${at(-0.72, 0.15)} ${at(-0.8, -0.1)}Z`,
      palette.ink,
    ),
    svg`<ellipse cx="${x}" cy="${y + size * 0.3}" rx="${size * 0.9}" ry="${size * 0.05}" fill="${palette.ink}" opacity="0.35"/>`,
  ].join('')
}

function wave(scene: Scene, index: number, horizon: number): string {
  const { width, height, unit, palette, random } = scene
  const depth = index / (WAVES - 1)
  const level = horizon + (height - horizon) * (0.3 + depth * 0.56)
  const length = unit * (0.22 + depth * 0.2)
  const swing = Math.min(unit * 0.035, (height - horizon) * 0.07) * (0.6 + depth)
  const count = Math.ceil(width / length) * 2 + 3
  const shift = random.between(-2, 0) * length
  const crest = repeat(
    count,
    (step): Point => [
      shift + (step * length) / 1.5,
      level + (step % 2 ? swing : -swing) * random.between(0.7, 1.1),
    ],
  )
  const colour = mix(mix(palette.far, palette.accents[2], 0.3), palette.near, 0.25 + depth * 0.75)
  const line = smooth(crest)
  return [
    shape(svg`${line}L${width * 1.2} ${height}L${-width * 0.2} ${height}Z`, colour),
    svg`<path d="${line}" fill="none" stroke="${palette.paper}" stroke-width="${unit * (0.0025 + depth * 0.003)}" opacity="${0.5 - depth * 0.2}"/>`,
    foam(scene, crest, depth),
  ].join('')
}

function foam({ unit, palette, random }: Scene, crest: readonly Point[], depth: number): string {
  return crest
    .map(([x, y]) =>
      circle(
        x + unit * random.between(-0.06, 0.06),
        y + unit * random.between(0.012, 0.05),
        unit * random.between(0.0016, 0.0042),
        palette.paper,
        0.55 - depth * 0.2,
      ),
    )
    .join('')
}
