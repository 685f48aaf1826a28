import { mix } from '../colour.ts'
import type { Scene } from '../scene.ts'
import { clouds, sky, stars, sun } from '../scenery.ts'
import { downward, outward, rectangle, repeat, shape, svg } from '../svg.ts'

const ROWS = 4

/** A skyline in four rows, windows lit, mirrored in a river. */
export function city(scene: Scene): string {
  const { width, height, unit, palette, random } = scene
  const shore = height * 0.84
  return [
    sky(scene),
    palette.night ? stars(scene, height * 0.5) : '',
    sun(
      scene,
      width * random.between(0.28, 0.72),
      height * random.between(0.26, 0.36),
      unit * random.between(0.1, 0.15),
    ),
    clouds(scene, height * 0.1, height * 0.4, 4),
    ...repeat(ROWS, (index) => row(scene, index, shore)),
    river(scene, shore),
  ].join('')
}

function row(scene: Scene, index: number, shore: number): string {
  const { width, height, unit, palette, random } = scene
  const depth = index / (ROWS - 1)
  const colour = mix(mix(palette.far, palette.sky[2], 0.25), palette.near, depth ** 0.8)
  const step = unit * (0.075 + depth * 0.035)
  const parts: string[] = []
  for (let x = -step * random.between(0, 0.8); x < width; ) {
    const wide = step * random.between(0.7, 1.35)
    const middle = 1 - Math.abs((x + wide / 2) / width - 0.5) * 0.75
    const tall = Math.min(height * 0.56, unit * 0.85) * random.between(0.42, 1) * middle * (1 - depth * 0.48)
    parts.push(building(scene, { x, y: shore - tall, width: wide, height: tall }, colour, depth))
    x += wide + (random.chance(0.25) ? step * 0.25 : unit * 0.003)
  }
  return parts.join('') + mist(scene, index, shore)
}

/** Haze between this row and the next. */
function mist({ width, unit, palette }: Scene, index: number, shore: number): string {
  const id = `mist${index}`
  const stops = [
    [0, palette.sky[2], 0],
    [1, palette.sky[2], 0.34 - index * 0.1],
  ] as const
  return index === ROWS - 1
    ? ''
    : downward(id, stops) + rectangle(0, shore - unit * 0.3, width, unit * 0.3, `url(#${id})`)
}

interface Box {
  x: number
  y: number
  width: number
  height: number
}

function building(scene: Scene, box: Box, colour: string, depth: number): string {
  const { palette } = scene
  const side = rectangle(
    box.x + box.width * 0.68,
    box.y,
    box.width * 0.32,
    box.height,
    mix(colour, palette.ink, 0.35),
    0.55,
  )
  const front = rectangle(box.x, box.y, box.width, box.height + 1, colour)
  return roof(scene, box, colour) + front + side + windows(scene, box, depth)
}

function roof({ random }: Scene, { x, y, width }: Box, colour: string): string {
  const middle = x + width / 2
  switch (random.whole(0, 5)) {
    case 0: // antenna
      return (
        rectangle(middle - width * 0.02, y - width * 0.9, width * 0.04, width * 0.9, colour) +
        rectangle(x + width * 0.25, y - width * 0.16, width * 0.5, width * 0.17, colour)
      )
    case 1: // steps
      return (
        rectangle(x + width * 0.14, y - width * 0.2, width * 0.72, width * 0.21, colour) +
        rectangle(x + width * 0.3, y - width * 0.4, width * 0.4, width * 0.21, colour)
      )
    case 2: // spire
      return shape(
        svg`M${x + width * 0.2} ${y + 1}L${middle} ${y - width * 1.1}L${x + width * 0.8} ${y + 1}Z`,
        colour,
      )
    case 3: // slope
      return shape(svg`M${x} ${y + 1}L${x} ${y - width * 0.4}L${x + width} ${y + 1}Z`, colour)
    case 4: // dome
      return shape(
        svg`M${x + width * 0.12} ${y + 1}A${width * 0.38} ${width * 0.38} 0 0 1 ${x + width * 0.88} ${y + 1}Z`,
        colour,
      )
    default:
      return ''
  }
}

/** One path for all lit windows of one tone keeps the file small. */
function windows({ unit, palette, random }: Scene, box: Box, depth: number): string {
  if (depth < 0.2) return ''
  const cell = unit * (0.0125 + depth * 0.006)
  const columns = Math.max(1, Math.floor((box.width * 0.86) / cell))
  const rows = Math.min(60, Math.floor((box.height * 0.94) / (cell * 1.35)))
  const left = box.x + (box.width - columns * cell) / 2
  const tones = [palette.light, palette.accents[0], palette.accents[1]] as const
  const share = palette.night ? 0.36 : 0.24
  const paths = tones.map(() => '')
  for (let index = 0; index < columns * rows; index++) {
    if (!random.chance(share)) continue
    const x = left + (index % columns) * cell + cell * 0.22
    const y = box.y + cell * 0.6 + Math.floor(index / columns) * cell * 1.35
    const tone = random.chance(0.62) ? 0 : random.whole(1, 2)
    paths[tone] += svg`M${x} ${y}h${cell * 0.56}v${cell * 0.74}h${-cell * 0.56}z`
  }
  return paths
    .map((path, index) => (path ? shape(path, tones[index] ?? palette.light, 0.5 + depth * 0.4) : ''))
    .join('')
}

function river(scene: Scene, shore: number): string {
  const { width, height, unit, palette, random } = scene
  const deep = height - shore
  const lights = repeat(46 * Math.sqrt(width / unit), () => {
    const wide = unit * random.between(0.01, 0.05)
    const part = random.between(0.06, 1)
    const colour = random.pick([palette.light, palette.accents[0], palette.accents[1]])
    return svg`<rect x="${random.between(0, width)}" y="${shore + part * deep}" width="${wide * (0.6 + part)}" height="${unit * 0.0035}" rx="2" fill="${colour}" opacity="${0.65 - part * 0.45}"/>`
  })
  return [
    downward('river', [
      [0, mix(palette.near, palette.sky[2], 0.32)],
      [1, palette.ink],
    ]),
    rectangle(0, shore, width, deep + 1, 'url(#river)'),
    outward('shine', [
      [0, palette.light, 0.4],
      [1, palette.light, 0],
    ]),
    svg`<ellipse cx="${width / 2}" cy="${shore}" rx="${width * 0.55}" ry="${deep * 0.5}" fill="url(#shine)"/>`,
    ...lights,
  ].join('')
}
