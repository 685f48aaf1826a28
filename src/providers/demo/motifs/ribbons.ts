import { mix } from '../colour.ts'
import type { Scene } from '../scene.ts'
import { circle, outward, type Point, rectangle, repeat, shape, smooth, svg } from '../svg.ts'

const BANDS = 9

/** No thing at all: flowing bands of colour, spheres and thin rings. */
export function ribbons(scene: Scene): string {
  const { width, height, random } = scene
  const tilt = random.between(-22, 22)
  const reach = Math.hypot(width, height)
  const bands = repeat(BANDS, (index) => band(scene, index, reach))
  const turned = svg`<g transform="translate(${width / 2} ${height / 2})rotate(${tilt})">${bands}</g>`
  const count = random.whole(3, 5)
  const orbs = repeat(count, (index) => orb(scene, index, (index + random.between(0.1, 0.9)) / count))
  return background(scene) + turned + rings(scene) + orbs.join('')
}

function background({ width, height, palette }: Scene): string {
  const [top, middle, low] = palette.sky
  return [
    svg`<linearGradient id="ground" x1="0" y1="0" x2="0.6" y2="1"><stop offset="0" stop-color="${top}"/><stop offset="0.55" stop-color="${middle}"/><stop offset="1" stop-color="${low}"/></linearGradient>`,
    rectangle(0, 0, width, height, 'url(#ground)'),
    outward('dawn', [
      [0, palette.light, 0.75],
      [1, palette.light, 0],
    ]),
    circle(width * 0.72, height * 0.24, Math.min(width, height) * 0.6, 'url(#dawn)'),
  ].join('')
}

/** One wave across the picture, brighter on one end, with a soft shadow on the one behind it. */
function band(scene: Scene, index: number, reach: number): string {
  const { unit, palette, random } = scene
  const tones = [
    palette.far,
    palette.accents[0],
    palette.accents[1],
    palette.accents[2],
    palette.near,
  ] as const
  const depth = index / (BANDS - 1)
  const y = (depth - 0.3) * reach * 0.6
  const swing = unit * random.between(0.09, 0.16)
  const length = unit * random.between(0.75, 1.05)
  const phase = index * 0.42 + random.between(0, 0.5)
  const steps = 26
  const line = repeat(steps + 1, (step): Point => {
    const x = (step / steps - 0.5) * reach * 1.15
    return [
      x,
      y +
        Math.sin((x / length) * 2.4 + phase) * swing +
        Math.sin((x / length) * 1.1 + phase * 2) * swing * 0.7,
    ]
  })
  const body = (down: number) =>
    svg`${smooth(line.map(([x, at]): Point => [x, at + down]))}V${reach}H${-reach}Z`
  const from = mix(random.pick(tones), palette.near, depth * 0.5)
  const to = mix(random.pick(tones), palette.near, depth * 0.35)
  return [
    svg`<linearGradient id="band${index}"><stop offset="0.1" stop-color="${from}"/><stop offset="0.9" stop-color="${to}"/></linearGradient>`,
    ...repeat(4, (step) => shape(body(-unit * 0.007 * (step + 1)), palette.ink, 0.05)),
    shape(body(0), `url(#band${index})`, 0.96),
    svg`<path d="${smooth(line)}" fill="none" stroke="${palette.paper}" stroke-width="${unit * 0.0022}" opacity="0.4"/>`,
  ].join('')
}

function orb({ width, height, unit, palette, random }: Scene, index: number, place: number): string {
  const radius = unit * random.between(0.035, 0.11)
  const colour = random.pick([palette.light, palette.accents[0], palette.accents[1], palette.accents[2]])
  const x = width * (0.06 + place * 0.88)
  const y = height * random.between(0.12, 0.8)
  const id = `orb${index}`
  const shade = svg`<radialGradient id="${id}" cx="0.36" cy="0.3" r="0.8"><stop offset="0" stop-color="${mix(colour, '#ffffff', 0.55)}"/><stop offset="0.45" stop-color="${colour}"/><stop offset="1" stop-color="${mix(colour, palette.ink, 0.55)}"/></radialGradient>`
  const shadow = repeat(4, (step) =>
    circle(x + radius * 0.2, y + radius * 0.3, radius * (1 + step * 0.06), palette.ink, 0.06),
  )
  return shade + shadow.join('') + circle(x, y, radius, `url(#${id})`)
}

function rings({ width, height, unit, palette, random }: Scene): string {
  const x = width * random.between(0.2, 0.8)
  const y = height * random.between(0.2, 0.7)
  return repeat(
    random.whole(3, 6),
    (index) =>
      svg`<circle cx="${x}" cy="${y}" r="${unit * (0.14 + index * 0.045)}" fill="none" stroke="${palette.paper}" stroke-width="${unit * 0.0022}" opacity="${0.6 - index * 0.08}"/>`,
  ).join('')
}
