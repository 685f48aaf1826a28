import { mix } from '../colour.ts'
import type { Scene } from '../scene.ts'
import { stars } from '../scenery.ts'
import { circle, outward, rectangle, repeat, shape, svg } from '../svg.ts'

/** A ringed planet among stars, moons and clouds of gas. */
export function space(scene: Scene): string {
  const { width, height, unit, random } = scene
  const x = width * random.between(0.4, 0.6)
  const y = height * random.between(0.42, 0.54)
  const radius = unit * random.between(0.2, 0.25)
  return [
    background(scene),
    stars(scene, height * 1.05, 260),
    sparkles(scene),
    orbits(scene, x, y, radius),
    planet(scene, x, y, radius, random.between(-26, -12)),
    horizon(scene),
  ].join('')
}

function background({ width, height, unit, palette, random }: Scene): string {
  const deep = palette.night ? palette.sky[0] : mix(palette.ink, palette.sky[0], 0.22)
  const gas = [palette.accents[0], palette.accents[2], palette.sky[2]] as const
  return [
    rectangle(0, 0, width, height, deep),
    ...repeat(6, (index) => {
      const id = `gas${index}`
      const colour = gas[index % 3] ?? gas[0]
      return (
        outward(id, [
          [0, colour, 0.42],
          [0.5, colour, 0.14],
          [1, colour, 0],
        ]) +
        circle(
          width * random.between(0, 1),
          height * random.between(0, 1),
          unit * random.between(0.4, 0.8),
          `url(#${id})`,
        )
      )
    }),
  ].join('')
}

function sparkles({ width, height, unit, palette, random }: Scene): string {
  return repeat(9, () => {
    const x = width * random.between(0.04, 0.96)
    const y = height * random.between(0.04, 0.8)
    const size = unit * random.between(0.01, 0.024)
    return shape(
      svg`M${x} ${y - size}Q${x} ${y} ${x + size} ${y}Q${x} ${y} ${x} ${y + size}Q${x} ${y} ${x - size} ${y}Q${x} ${y} ${x} ${y - size}Z`,
      palette.light,
      0.9,
    )
  }).join('')
}

/** Thin orbits with a small moon on each. */
function orbits({ unit, palette, random }: Scene, x: number, y: number, radius: number): string {
  const colours = [palette.accents[0], palette.accents[1], palette.light] as const
  return colours
    .map((colour, index) => {
      const far = radius * (1.75 + index * 0.52)
      const angle = random.between(0, Math.PI * 2)
      const ring = svg`<circle cx="${x}" cy="${y}" r="${far}" fill="none" stroke="${palette.paper}" stroke-width="${unit * 0.0018}" opacity="0.26"/>`
      return (
        ring +
        sphere(
          `moon${index}`,
          x + Math.cos(angle) * far,
          y + Math.sin(angle) * far,
          unit * random.between(0.018, 0.036),
          colour,
          palette.ink,
        )
      )
    })
    .join('')
}

function sphere(id: string, x: number, y: number, radius: number, colour: string, ink: string): string {
  const shade = svg`<radialGradient id="${id}" cx="0.34" cy="0.3" r="0.82"><stop offset="0" stop-color="${mix(colour, '#ffffff', 0.4)}"/><stop offset="0.5" stop-color="${colour}"/><stop offset="1" stop-color="${mix(colour, ink, 0.72)}"/></radialGradient>`
  return shade + circle(x, y, radius, `url(#${id})`)
}

function planet(scene: Scene, x: number, y: number, radius: number, tilt: number): string {
  const { palette, random } = scene
  const body = palette.accents[random.whole(0, 1)] ?? palette.accents[0]
  const bands = repeat(7, (index) => {
    const at = -radius + (index + random.between(0.2, 0.8)) * radius * 0.29
    const thick = radius * random.between(0.05, 0.15)
    return svg`<path d="M${-radius} ${at}Q0 ${at + radius * 0.16} ${radius} ${at}v${thick}Q0 ${at + thick + radius * 0.16} ${-radius} ${at + thick}Z" fill="${random.pick([palette.paper, palette.ink, palette.accents[2]])}" opacity="${random.between(0.1, 0.3)}"/>`
  })
  const ring = (sweep: number) =>
    [
      [1.95, 0.14, palette.light, 0.75],
      [1.68, 0.09, palette.accents[1], 0.9],
      [1.48, 0.05, palette.paper, 0.6],
    ]
      .map(([far, wide, colour, opacity]) => {
        const reach = Number(far) * radius
        return svg`<path d="M${-reach} 0A${reach} ${reach * 0.24} 0 0 ${sweep} ${reach} 0" fill="none" stroke="${String(colour)}" stroke-width="${Number(wide) * radius}" opacity="${Number(opacity)}"/>`
      })
      .join('')
  const shade = svg`<radialGradient id="night" cx="0.3" cy="0.28" r="0.85"><stop offset="0" stop-color="#ffffff" stop-opacity="0.45"/><stop offset="0.42" stop-color="${body}" stop-opacity="0"/><stop offset="1" stop-color="${palette.ink}" stop-opacity="0.85"/></radialGradient>`
  const clip = svg`<clipPath id="globe"><circle r="${radius}"/></clipPath>`
  return svg`${shade}${clip}<g transform="translate(${x} ${y})rotate(${tilt})">${ring(1)}${circle(0, 0, radius, body)}<g clip-path="url(#globe)">${bands}</g>${circle(0, 0, radius, 'url(#night)')}${ring(0)}</g>`
}

/** The curve of a near world at the bottom. */
function horizon({ width, height, unit, palette, random }: Scene): string {
  const radius = width * 1.1 + height * 0.3
  const x = width * random.between(0.3, 0.7)
  const y = height - unit * 0.12 + radius
  return [
    outward('air', [
      [0.955, palette.sky[2], 0.75],
      [0.985, palette.sky[2], 0.18],
      [1, palette.sky[2], 0],
    ]),
    circle(x, y, radius * 1.035, 'url(#air)'),
    circle(x, y, radius, mix(palette.near, palette.ink, 0.3)),
  ].join('')
}
