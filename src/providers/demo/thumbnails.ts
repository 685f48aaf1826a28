import type { Box, Size } from './request.ts'
import { svg } from './svg.ts'

/** Places for the further references of an edit: squares in rows from the upper left. */
export function thumbnailBoxes(count: number, { width, height }: Size): Box[] {
  const unit = Math.min(width, height)
  const margin = Math.round(unit * 0.06)
  const columns = Math.max(4, Math.min(count, Math.floor(width / (unit * 0.13))))
  const pitch = Math.min((width - margin * 2) / columns, unit * 0.15)
  const side = Math.max(2, Math.round(pitch * 0.86))
  return Array.from({ length: count }, (_, index) => ({
    x: margin + Math.round((index % columns) * pitch),
    y: margin + Math.round(Math.floor(index / columns) * pitch),
    width: side,
    height: side,
  }))
}

/** White borders behind the thumbnails, as an SVG in pixels. */
export function thumbnailFrames(boxes: readonly Box[], colour: string): string {
  return boxes
    .map(({ x, y, width, height }) => {
      const border = Math.max(1, width * 0.035)
      return svg`<rect x="${x - border}" y="${y - border}" width="${width + border * 2}" height="${height + border * 2}" rx="${border}" fill="${colour}"/>`
    })
    .join('')
}
