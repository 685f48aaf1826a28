import type { Palette } from './palettes.ts'
import type { Box } from './request.ts'
import { svg } from './svg.ts'

const WORDS = 'PICTOR DEMO'

/** Strokes of the letters needed, on a grid 4 wide and 6 high: no font can be relied on. */
const LETTERS: Readonly<Record<string, string>> = {
  P: 'M0 6V0H2.3A1.7 1.7 0 0 1 2.3 3.4H0',
  I: 'M2 0V6',
  C: 'M4 1.2A2.4 3 0 0 0 0 3A2.4 3 0 0 0 4 4.8',
  T: 'M0 0H4M2 0V6',
  O: 'M2 0A2 3 0 0 1 2 6A2 3 0 0 1 2 0',
  R: 'M0 6V0H2.3A1.7 1.7 0 0 1 2.3 3.4H0M2 3.4L4 6',
  D: 'M0 0H1.4A2.6 3 0 0 1 1.4 6H0Z',
  E: 'M4 0H0V6H4M0 3H3.2',
  M: 'M0 6V0L2.2 3.6L4.4 0V6',
}

/**
 * The words that tell a demo picture from a real one, in the lower right corner of a box: bright strokes on a dark pill,
 * readable on any ground.
 * @param box in the scene's units
 * @param pixel size of one pixel in the scene's units, which keeps the letters from becoming too small to read
 */
export function label(box: Box, palette: Palette, pixel: number): string {
  const glyphs = [...WORDS].map((letter) => LETTERS[letter])
  const advance = 6.4
  const length = glyphs.length * advance - 2.4
  const padding = { x: 4.6, y: 4 }
  const wanted = Math.max(2.05, (pixel * 8) / 6)
  const side = Math.min(box.width, box.height)
  const scale = Math.min(wanted, (side * 0.86) / (length + padding.x * 2))
  const width = (length + padding.x * 2) * scale
  const height = (6 + padding.y * 2) * scale
  const margin = Math.min(side * 0.03, (side - width) / 2)
  const x = box.x + box.width - margin - width
  const y = box.y + box.height - margin - height
  const strokes = glyphs.map((path, index) =>
    path ? svg`<path d="${path}" transform="translate(${index * advance} 0)"/>` : '',
  )
  return [
    svg`<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${height / 2}" fill="${palette.ink}" opacity="0.72"/>`,
    svg`<g transform="translate(${x + padding.x * scale} ${y + padding.y * scale})scale(${scale})" fill="none" stroke="${palette.paper}" stroke-width="0.92" stroke-linecap="round" stroke-linejoin="round">${strokes}</g>`,
  ].join('')
}
