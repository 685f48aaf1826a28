import type { Palette } from './palettes.ts'
import type { Random } from './random.ts'
import type { Size } from './request.ts'

/**
 * What a motif draws on. Lengths are in units that make the area 1,000,000, whatever the pixels, so that a preview is
 * the same picture as the finished one.
 */
export interface Scene {
  width: number
  height: number
  /** The shorter side: what the size of single things is measured by. */
  unit: number
  palette: Palette
  random: Random
}

/** Draws one family of pictures: the inside of an SVG that fills the scene. */
export type Motif = (scene: Scene) => string

export function createScene(size: Size, palette: Palette, random: Random): Scene {
  const scale = 1000 / Math.sqrt(size.width * size.height)
  const width = size.width * scale
  const height = size.height * scale
  return { width, height, unit: Math.min(width, height), palette, random }
}
