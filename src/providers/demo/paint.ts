import sharp, { type Sharp } from 'sharp'
import { grain } from './grain.ts'
import { label } from './label.ts'
import { createRandom } from './random.ts'
import type { Box, Size } from './request.ts'
import { createScene, type Scene } from './scene.ts'
import { chooseSubject } from './subject.ts'
import { downward, outward, rectangle, repeat, svg } from './svg.ts'

/** A picture in the making; each call paints anew. */
export interface Painting {
  /** The finished picture. */
  final(): Sharp
  /** What it looks like when `part` (0..1) of the work is done: small and blurred. */
  preview(part: number): Sharp
}

/** A picture of what a prompt names. The same prompt, seed and size always give the same one. */
export function paintSketch(prompt: string, seed: number, size: Size): Painting {
  const { motif, palette } = chooseSubject(prompt, seed)
  const scene = createScene(size, palette, createRandom(`scene ${prompt} ${seed}`))
  const box = { x: 0, y: 0, width: scene.width, height: scene.height }
  const content = motif(scene) + vignette(scene) + label(box, palette, scene.width / size.width)
  return {
    final: () =>
      rasterize(content, scene, size)
        .composite([grain(size)])
        .removeAlpha(),
    preview: (part) => unfinished(rasterize(content, scene, previewSize(size)).removeAlpha(), part),
  }
}

/** Previews need no more than 512 pixels. */
export function previewSize({ width, height }: Size): Size {
  const scale = Math.min(1, 512 / Math.max(width, height))
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}

/** Blurs a preview, the less the more of the work is done. */
export function unfinished(picture: Sharp, part: number): Sharp {
  return picture.blur(0.5 + 14 * (1 - part) ** 2)
}

/** librsvg draws a picture with both sides above this many pixels several times over. */
const TILE = 2000

/** SVG in the scene's units to pixels with alpha; a large one is drawn in tiles. */
export function rasterize(content: string, scene: Scene, { width, height }: Size): Sharp {
  const across = Math.ceil(width / TILE)
  const down = Math.ceil(height / TILE)
  const tile = { width: Math.ceil(width / across), height: Math.ceil(height / down) }
  const scale = { x: scene.width / width, y: scene.height / height }
  const tiles = repeat(across * down, (index) => {
    const x = (index % across) * tile.width * scale.x
    const y = Math.floor(index / across) * tile.height * scale.y
    const box = { x, y, width: tile.width * scale.x, height: tile.height * scale.y }
    return document(content, box, tile)
  })
  if (tiles.length === 1) return sharp(tiles[0])
  return sharp(tiles, { join: { across } }).extract({ left: 0, top: 0, width, height })
}

/** An SVG file that shows a part of the scene. */
function document(content: string, part: Box, { width, height }: Size): Buffer {
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="${part.x} ${part.y} ${part.width} ${part.height}" preserveAspectRatio="none">${content}</svg>`,
  )
}

/** Slightly darker corners and foot hold a poster together. */
function vignette({ width, height, palette }: Scene): string {
  return [
    outward('corner', [
      [0.6, palette.ink, 0],
      [1, palette.ink, 0.24],
    ]),
    svg`<rect x="${-width * 0.25}" y="${-height * 0.25}" width="${width * 1.5}" height="${height * 1.5}" fill="url(#corner)"/>`,
    downward('foot', [
      [0.7, palette.ink, 0],
      [1, palette.ink, 0.16],
    ]),
    rectangle(0, 0, width, height, 'url(#foot)'),
  ].join('')
}
