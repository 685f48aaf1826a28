import { mix } from '../colour.ts'
import type { Scene } from '../scene.ts'
import { circle, downward, type Point, rectangle, repeat, shape, svg } from '../svg.ts'

/** Flowers in front of an arch of light, tall ones behind, low ones before. */
export function flowers(scene: Scene): string {
  const { width, height, unit, random } = scene
  const rows = [
    { count: 7, top: 0.2, bottom: 0.5, scale: 0.72, fade: 0.45 },
    { count: 8, top: 0.34, bottom: 0.66, scale: 1, fade: 0.12 },
    { count: 8, top: 0.6, bottom: 0.84, scale: 0.86, fade: 0 },
  ]
  const plants = rows.flatMap(({ count, top, bottom, scale, fade }) => {
    const places = Math.ceil(count * Math.min(2.6, Math.max(0.7, width / unit)))
    return repeat(places, (index) => {
      const x = ((index + random.between(0.15, 0.85)) / places) * width * 0.94 + width * 0.03
      return plant(scene, [x, height * random.between(top, bottom)], unit * scale, fade)
    })
  })
  return background(scene) + plants.join('') + grass(scene)
}

function background(scene: Scene): string {
  const { width, height, unit, palette, random } = scene
  const wide = unit * random.between(0.34, 0.38)
  const middle = width / 2
  const top = height * 0.13 + wide
  const arch = svg`M${middle - wide} ${height}V${top}A${wide} ${wide} 0 0 1 ${middle + wide} ${top}V${height}Z`
  return [
    downward('wall', [
      [0, palette.night ? palette.sky[0] : mix(palette.paper, palette.sky[2], 0.6)],
      [1, palette.night ? palette.sky[1] : mix(palette.paper, palette.sky[1], 0.75)],
    ]),
    downward('arch', [
      [0, palette.sky[palette.night ? 2 : 0]],
      [0.75, palette.sky[2]],
    ]),
    rectangle(0, 0, width, height, 'url(#wall)'),
    shape(arch, 'url(#arch)'),
    svg`<path d="${arch}" fill="none" stroke="${palette.paper}" stroke-width="${unit * 0.006}" opacity="0.7"/>`,
    circle(middle + wide * random.between(-0.35, 0.35), top + wide * 0.1, wide * 0.42, palette.light, 0.92),
  ].join('')
}

function plant(scene: Scene, [x, y]: Point, size: number, fade: number): string {
  const { height, palette, random } = scene
  const foot = x + size * random.between(-0.1, 0.1)
  const bend = x + size * random.between(-0.08, 0.08)
  const toned = (colour: string) => mix(colour, palette.sky[2], fade)
  const green = toned(mix(palette.near, palette.accents[2], random.between(0.4, 0.85)))
  const stem = svg`<path d="M${foot} ${height}Q${bend} ${(y + height) / 2} ${x} ${y}" fill="none" stroke="${green}" stroke-width="${size * 0.009}" stroke-linecap="round"/>`
  const leaves = repeat(random.whole(3, 5), (index) => {
    const part = 0.25 + index * 0.15
    const from: Point = [along(x, bend, foot, part), along(y, (y + height) / 2, height, part)]
    return leaf(from, size * random.between(0.1, 0.15), (index % 2 ? 1 : -1) * random.between(0.5, 1), green)
  })
  return stem + leaves.join('') + bloom(scene, [x, y], size * random.between(0.075, 0.115), toned, green)
}

/** A point of the quadratic curve from a over b to c. */
function along(a: number, b: number, c: number, part: number): number {
  return (1 - part) ** 2 * a + 2 * part * (1 - part) * b + part ** 2 * c
}

function leaf([x, y]: Point, length: number, angle: number, colour: string): string {
  const turn = (angle * 180) / Math.PI
  const blade = svg`M0 0C${length * 0.3} ${-length * 0.55} ${length * 0.2} ${-length * 0.85} 0 ${-length}C${-length * 0.2} ${-length * 0.75} ${-length * 0.22} ${-length * 0.4} 0 0Z`
  return svg`<g transform="translate(${x} ${y})rotate(${turn})">${shape(blade, colour)}</g>`
}

function bloom(
  scene: Scene,
  at: Point,
  size: number,
  toned: (colour: string) => string,
  green: string,
): string {
  const { palette, random } = scene
  const colour = toned(
    random.pick([
      palette.accents[0],
      palette.accents[0],
      palette.accents[1],
      mix(palette.accents[0], palette.paper, 0.45),
    ]),
  )
  const heart = toned(mix(palette.accents[1], palette.ink, random.between(0.05, 0.5)))
  const turn = random.between(-18, 18)
  const drawn = random.pick([daisy, tulip, poppy, spray])(colour, heart, green, random.whole(0, 2))
  return svg`<g transform="translate(${at[0]} ${at[1]})rotate(${turn})scale(${size})">${drawn}</g>`
}

/** Each flower is drawn in a circle of radius 1 around its head; the stem comes from below. */
function daisy(colour: string, heart: string, _green: string, extra: number): string {
  const petals = 9 + extra * 2
  const petal = (length: number, tone: string, turn: number) =>
    svg`<ellipse cx="0" cy="${-length * 0.56}" rx="${(2.1 / petals) * length}" ry="${length * 0.46}" fill="${tone}" transform="rotate(${turn})"/>`
  return [
    ...repeat(petals, (index) => petal(1.08, mix(colour, '#000000', 0.1), ((index + 0.5) * 360) / petals)),
    ...repeat(petals, (index) => petal(0.95, colour, (index * 360) / petals)),
    circle(0, 0, 0.3, heart),
    circle(-0.06, -0.07, 0.17, mix(heart, '#ffffff', 0.25)),
  ].join('')
}

function tulip(colour: string, _heart: string, _green: string, extra: number): string {
  const high = -1.2 - extra * 0.15
  return [
    shape(
      svg`M0 0.6C-0.5 0.5 -0.55 -0.3 -0.2 ${high}C0.1 ${high * 0.8} 0.5 0 0 0.6Z`,
      mix(colour, '#000000', 0.16),
    ),
    shape(
      svg`M0 0.62C0.95 0.6 0.85 -0.4 0.62 ${high * 0.95}C0.3 ${high * 0.7} 0.05 0 0 0.62Z`,
      mix(colour, '#ffffff', 0.12),
    ),
    shape(svg`M0 0.62C-0.95 0.6 -0.85 -0.4 -0.62 ${high * 0.95}C-0.2 ${high * 0.7} 0.1 0 0 0.62Z`, colour),
  ].join('')
}

function poppy(colour: string, heart: string, _green: string): string {
  const petal = (turn: number, tone: string) =>
    svg`<g transform="rotate(${turn})">${shape('M0 0.1C-1 0 -0.85 -1 -0.1 -0.98C0.75 -1.08 0.95 -0.1 0 0.1Z', tone)}</g>`
  const dark = mix(colour, '#000000', 0.13)
  const seeds = repeat(10, (index) =>
    circle(Math.sin(index * 0.63) * 0.36, Math.cos(index * 0.63) * 0.36, 0.045, heart),
  )
  return [
    petal(0, dark),
    petal(180, dark),
    petal(90, colour),
    petal(270, colour),
    circle(0, 0, 0.24, heart),
    ...seeds,
  ].join('')
}

/** A spike of small bells, like a foxglove. */
function spray(colour: string, heart: string, green: string, extra: number): string {
  const bells = 9 + extra
  return [
    svg`<path d="M0 1.2L0 -1.6" stroke="${green}" stroke-width="0.09" stroke-linecap="round"/>`,
    ...repeat(bells, (index) => {
      const part = index / bells
      const size = 0.36 - part * 0.2
      const x = (index % 2 ? 1 : -1) * (0.32 - part * 0.2)
      const y = 1 - part * 2.6
      return (
        circle(x, y, size, mix(colour, '#ffffff', part * 0.3)) +
        circle(x * 1.15, y + size * 0.25, size * 0.42, heart, 0.55)
      )
    }),
  ].join('')
}

function grass(scene: Scene): string {
  const { width, height, unit, palette, random } = scene
  return repeat(46 * Math.sqrt(width / unit), () => {
    const x = random.between(-0.02, 1.02) * width
    const tall = unit * random.between(0.06, 0.2)
    const lean = unit * random.between(-0.07, 0.07)
    const wide = unit * random.between(0.006, 0.012)
    const colour = mix(palette.near, palette.accents[2], random.between(0, 0.45))
    return shape(
      svg`M${x - wide} ${height}Q${x} ${height - tall * 0.6} ${x + lean} ${height - tall}Q${x + wide} ${height - tall * 0.4} ${x + wide} ${height}Z`,
      colour,
    )
  }).join('')
}
