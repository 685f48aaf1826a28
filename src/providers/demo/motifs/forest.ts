import { mix } from '../colour.ts'
import type { Scene } from '../scene.ts'
import { birds, fir, heightAt, land, ridge, sky, stars, sun } from '../scenery.ts'
import { type Point, repeat, shape, svg } from '../svg.ts'

const LAYERS = 5

/** Firs in mist, row behind row, a path of light down the middle and trunks that frame it. */
export function forest(scene: Scene): string {
  const { width, height, unit, palette, random } = scene
  const x = width * random.between(0.42, 0.58)
  const y = height * random.between(0.28, 0.36)
  return [
    sky(scene),
    palette.night ? stars(scene, height * 0.5) : '',
    sun(scene, x, y, unit * random.between(0.1, 0.14)),
    palette.night ? '' : birds(scene, y - unit * 0.06),
    ...repeat(LAYERS, (index) => row(scene, index, x)),
    rays(scene, x, y),
    trunks(scene),
  ].join('')
}

function row(scene: Scene, index: number, clearing: number): string {
  const { width, height, unit, palette, random } = scene
  const depth = index / (LAYERS - 1)
  const colour = mix(mix(palette.far, palette.sky[2], 0.3), palette.near, depth)
  const line = ridge(scene, {
    level: height * (0.6 + depth * 0.32),
    swing: unit * 0.025,
    rough: 0,
    frequency: 2.6,
  })
  const count = (34 - depth * 14) * Math.max(0.6, width / unit) ** 0.8
  const trees = repeat(count, () => {
    const x = random.between(-0.03, 1.03) * width
    // Lower towards the middle, so that the eye is led to the light.
    const away = Math.min(1, Math.abs(x - clearing) / (width * 0.42))
    const size =
      Math.min(height * 0.4, unit * 0.5) *
      (0.24 + away * 0.62) *
      random.between(0.72, 1.12) *
      (0.72 + depth * 0.3)
    return fir(
      scene,
      x,
      heightAt(line, x) + size * 0.05,
      size,
      mix(colour, palette.ink, random.between(0, 0.14)),
    )
  })
  return trees.join('') + land(scene, `floor${index}`, line, colour, 0.42 * (1 - depth))
}

/** Light that falls through the trees and fades on its way. */
function rays({ height, unit, palette, random }: Scene, x: number, y: number): string {
  const length = Math.max(height * 0.62, unit * 0.6)
  const fade = svg`<radialGradient id="ray" gradientUnits="userSpaceOnUse" cx="${x}" cy="${y}" r="${length}"><stop offset="0.1" stop-color="${palette.light}" stop-opacity="0.34"/><stop offset="1" stop-color="${palette.light}" stop-opacity="0"/></radialGradient>`
  const beams = repeat(7, (index) => {
    const angle = (0.16 + (index + random.between(0.2, 0.8)) * 0.097) * Math.PI
    const wide = random.between(0.03, 0.075)
    const tip = (turn: number) =>
      svg`${x + Math.cos(angle + turn) * length} ${y + Math.sin(angle + turn) * length}`
    return shape(svg`M${x} ${y}L${tip(wide)}L${tip(-wide)}Z`, 'url(#ray)', 0.6)
  })
  const glow = svg`<circle cx="${x}" cy="${y}" r="${length}" fill="url(#ray)" opacity="0.7"/>`
  return fade + glow + beams.join('')
}

/** Two or three near trunks at the sides. */
function trunks(scene: Scene): string {
  const { width, height, unit, palette, random } = scene
  const places = [
    random.between(-0.02, 0.06),
    random.between(0.92, 1.0),
    ...(random.chance(0.6) ? [random.between(0.13, 0.17)] : []),
  ]
  return places
    .map((place) => {
      const x = place * width
      const half = unit * random.between(0.022, 0.036)
      const sway = unit * random.between(-0.03, 0.03)
      const trunk = shape(
        svg`M${x - half * 1.7} ${height}Q${x - half} ${height * 0.6} ${x - half * 0.75 + sway} ${-5}H${x + half * 0.75 + sway}Q${x + half} ${height * 0.6} ${x + half * 1.7} ${height}Z`,
        palette.ink,
      )
      return (
        trunk +
        repeat(4, (index) =>
          branch(scene, [x + sway * 0.5, height * (0.1 + index * 0.13)], place < 0.5 ? 1 : -1),
        ).join('')
      )
    })
    .join('')
}

function branch({ unit, palette, random }: Scene, [x, y]: Point, side: number): string {
  const length = unit * random.between(0.08, 0.2) * side
  const drop = unit * random.between(-0.03, 0.06)
  return svg`<path d="M${x} ${y}q${length * 0.5} ${drop * 0.1} ${length} ${drop}m${-length * 0.45} ${-drop * 0.6}l${length * 0.3} ${-unit * 0.035}" fill="none" stroke="${palette.ink}" stroke-width="${unit * 0.007}" stroke-linecap="round"/>`
}
