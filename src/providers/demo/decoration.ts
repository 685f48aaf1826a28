import { mix } from './colour.ts'
import type { Palette } from './palettes.ts'
import type { Random } from './random.ts'
import type { Box } from './request.ts'
import { createScene, type Motif, type Scene } from './scene.ts'
import { circle, outward, type Point, repeat, shape, smooth, svg } from './svg.ts'

/** Distance of the frame from the edge, as a share of the shorter side. */
export const FRAME_INSET = 0.03

/** What is painted over the reference of an edit: a glow, waves along the foot, a thin frame. */
export function decorate(scene: Scene): string {
  const { width, height, unit, palette, random } = scene
  const glow = outward('edit-glow', [
    [0, palette.light, 0.6],
    [1, palette.light, 0],
  ])
  const light = circle(width * random.pick([0.1, 0.9]), height * 0.06, unit * 0.8, 'url(#edit-glow)')
  const inset = unit * FRAME_INSET
  const frame = svg`<rect x="${inset}" y="${inset}" width="${width - inset * 2}" height="${height - inset * 2}" rx="${unit * 0.012}" fill="none" stroke="${palette.paper}" stroke-width="${unit * 0.004}" opacity="0.85"/>`
  return glow + light + waves(scene) + frame
}

function waves(scene: Scene): string {
  const { width, height, unit, palette, random } = scene
  const colours = [palette.accents[0], mix(palette.accents[2], palette.near, 0.3), palette.near]
  return colours
    .map((colour, index) => {
      const level = height - Math.min(unit * 0.26, height * 0.3) * (1 - index * 0.27)
      const phase = random.between(0, 6)
      const line = repeat(25, (step): Point => {
        const x = (step / 24) * width
        return [x, level + Math.sin((x / unit) * 3.1 + phase) * unit * 0.035]
      })
      const crest = smooth(line)
      const edge = svg`<path d="${crest}" fill="none" stroke="${palette.paper}" stroke-width="${unit * 0.0025}" opacity="0.6"/>`
      return (
        shape(svg`${crest}L${width} ${line.at(-1)?.[1] ?? level}V${height}H0Z`, colour, 0.74 + index * 0.08) +
        edge
      )
    })
    .join('')
}

/** The prompt's motif in a round window at the lower left, like a sticker. */
export function medallion(scene: Scene, motif: Motif, random: Random): string {
  const { height, unit, palette } = scene
  const radius = unit * 0.145
  const x = unit * 0.075 + radius
  const y = height - unit * 0.075 - radius
  const inner = createScene({ width: 1000, height: 1000 }, palette, random)
  return svg`<clipPath id="window"><circle cx="${x}" cy="${y}" r="${radius}"/></clipPath>${circle(x, y, radius * 1.07, palette.paper)}<g clip-path="url(#window)"><svg x="${x - radius}" y="${y - radius}" width="${radius * 2}" height="${radius * 2}" viewBox="0 0 1000 1000">${motif(inner)}</svg></g>`
}

/** The prompt's motif filling a box: what is painted into the hole of a mask. A trace of the reference shows through. */
export function mural(box: Box, palette: Palette, motif: Motif, random: Random): string {
  if (box.width <= 0 || box.height <= 0) return ''
  const inner = createScene(box, palette, random)
  return svg`<svg x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}" viewBox="0 0 ${inner.width} ${inner.height}" preserveAspectRatio="none" opacity="0.9">${motif(inner)}</svg>`
}
