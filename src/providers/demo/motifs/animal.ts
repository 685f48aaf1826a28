import { mix } from '../colour.ts'
import type { Scene } from '../scene.ts'
import { land, ridge, sky, stars, sun } from '../scenery.ts'
import { circle, repeat, shape, svg } from '../svg.ts'

/** What makes a face that animal. Colours fall back to the palette's. */
interface Animal {
  ears: 'pointed' | 'short' | 'long' | 'round' | 'hanging' | 'tufts'
  /** Colour of the fur, and of the pale mask and chest. */
  fur: string
  mask: string
  marks?: 'eyes' | 'stripes' | 'beak' | 'mane'
  tail: 'bushy' | 'thin' | 'none'
}

/** Animals that the painter can draw, by the name that `subject.ts` finds in a prompt. */
export const ANIMALS = {
  fox: { ears: 'pointed', fur: '#e2703a', mask: '#fff3e2', tail: 'bushy' },
  wolf: { ears: 'pointed', fur: '#7c8798', mask: '#eef1f5', tail: 'bushy' },
  cat: { ears: 'short', fur: '#6c6a82', mask: '#f3e9e4', marks: 'stripes', tail: 'thin' },
  tiger: { ears: 'round', fur: '#ee9440', mask: '#fff4e0', marks: 'stripes', tail: 'thin' },
  lion: { ears: 'round', fur: '#e7ae5a', mask: '#fff1d6', marks: 'mane', tail: 'thin' },
  dog: { ears: 'hanging', fur: '#c58a54', mask: '#fff4e6', tail: 'thin' },
  rabbit: { ears: 'long', fur: '#d9c7b8', mask: '#fffaf4', tail: 'none' },
  bear: { ears: 'round', fur: '#8a5a3c', mask: '#ecd3b4', tail: 'none' },
  panda: { ears: 'round', fur: '#f7f3ea', mask: '#ffffff', marks: 'eyes', tail: 'none' },
  owl: { ears: 'tufts', fur: '#8b6a52', mask: '#f2dfc2', marks: 'beak', tail: 'none' },
} as const satisfies Record<string, Animal>

export type AnimalName = keyof typeof ANIMALS

/** An animal that sits before the sun and looks at you. */
export function animal(scene: Scene, name: AnimalName): string {
  const { width, height, unit, palette, random } = scene
  const size = Math.min(unit * 0.29, height * 0.3)
  const x = width * random.between(0.46, 0.54)
  const y = Math.max(height * 0.47, height * 0.93 - size * 2.5)
  const back = [0, 1, 2].map((index) =>
    land(
      scene,
      `hill${index}`,
      ridge(scene, {
        level: height * (0.62 + index * 0.09),
        swing: unit * 0.045,
        rough: 0.1,
        frequency: 2.5,
      }),
      mix(palette.far, palette.near, index * 0.3),
      0.25,
    ),
  )
  const front = land(
    scene,
    'front',
    ridge(scene, { level: height * 0.9, swing: unit * 0.018, rough: 0, frequency: 2 }),
    palette.near,
    0,
  )
  const look: Animal = ANIMALS[name]
  const foot = (height * 0.93 - y) / size
  const drawn = tail(look, foot) + body(look, foot, palette.ink) + head(look, palette.ink)
  return [
    sky(scene),
    palette.night ? stars(scene, height * 0.6) : '',
    sun(scene, x, y - size * 0.12, size * 1.36),
    ...back,
    svg`<g transform="translate(${x} ${y})scale(${size})">${drawn}</g>`,
    front,
    tufts(scene),
  ].join('')
}

/** The head is drawn around 0,0 with a half width of about 0.8; `foot` is where the ground is. */
function head(look: Animal, ink: string): string {
  const dark = mix(look.fur, ink, 0.3)
  const face =
    'M0 -0.62C0.5 -0.66 0.86 -0.3 0.84 0.08C0.82 0.42 0.34 0.74 0 0.78C-0.34 0.74 -0.82 0.42 -0.84 0.08C-0.86 -0.3 -0.5 -0.66 0 -0.62Z'
  return [
    look.marks === 'mane' ? mane(look, ink) : '',
    mirrored(ear(look, dark)),
    shape(face, look.fur),
    shape('M0 -0.62C0.5 -0.66 0.86 -0.3 0.84 0.08C0.82 0.42 0.34 0.74 0 0.78Z', dark, 0.18),
    muzzle(look),
    marks(look, ink),
    mirrored(eye(look, ink)),
    look.marks === 'beak' ? beak() : nose(ink),
  ].join('')
}

function mirrored(half: string): string {
  return `${half}<g transform="scale(-1 1)">${half}</g>`
}

/** The right ear; the left is its mirror image. */
function ear({ ears, fur, mask, marks }: Animal, dark: string): string {
  const outer = marks === 'eyes' ? '#2b2a33' : fur
  const inner = marks === 'eyes' ? '#45424f' : mix(mask, '#f2a08c', 0.45)
  switch (ears) {
    case 'pointed':
      return (
        shape('M0.14 -0.5C0.3 -0.95 0.5 -1.2 0.72 -1.26C0.86 -0.95 0.9 -0.5 0.8 -0.08Z', outer) +
        shape('M0.36 -0.56C0.46 -0.84 0.56 -0.98 0.68 -1.04C0.75 -0.82 0.77 -0.56 0.72 -0.32Z', inner)
      )
    case 'short':
      return (
        shape('M0.2 -0.52C0.36 -0.74 0.56 -0.9 0.76 -0.96C0.88 -0.7 0.9 -0.4 0.82 -0.06Z', outer) +
        shape('M0.42 -0.54C0.52 -0.66 0.6 -0.73 0.71 -0.78C0.78 -0.62 0.79 -0.46 0.75 -0.3Z', inner)
      )
    case 'long':
      return (
        shape('M0.08 -0.5C0.06 -1.1 0.16 -1.75 0.4 -1.8C0.68 -1.76 0.66 -1 0.52 -0.42Z', outer) +
        shape('M0.2 -0.58C0.2 -1.1 0.27 -1.55 0.4 -1.58C0.54 -1.54 0.52 -1 0.43 -0.5Z', inner)
      )
    case 'round':
      return circle(0.62, -0.58, 0.3, outer) + circle(0.63, -0.57, 0.16, inner)
    case 'hanging':
      return shape(
        'M0.36 -0.58C0.78 -0.76 1.08 -0.4 1.06 0.1C1.05 0.45 0.86 0.6 0.76 0.42C0.66 0.1 0.62 -0.2 0.36 -0.58Z',
        mix(dark, '#000000', 0.12),
      )
    case 'tufts':
      return shape('M0.18 -0.52C0.44 -0.66 0.62 -0.78 0.78 -1C0.86 -0.66 0.86 -0.4 0.74 -0.16Z', outer)
  }
}

function muzzle({ mask, marks, ears }: Animal): string {
  if (marks === 'beak') return circle(-0.36, -0.02, 0.4, mask) + circle(0.36, -0.02, 0.4, mask)
  if (ears === 'pointed')
    return shape(
      'M0 0.78C0.34 0.74 0.82 0.42 0.84 0.08C0.6 0.16 0.36 0.1 0.2 -0.02C0.1 0.1 -0.1 0.1 -0.2 -0.02C-0.36 0.1 -0.6 0.16 -0.84 0.08C-0.82 0.42 -0.34 0.74 0 0.78Z',
      mask,
    )
  return svg`<ellipse cx="0" cy="0.4" rx="0.42" ry="0.33" fill="${mask}"/>`
}

function marks({ marks, fur }: Animal, ink: string): string {
  if (marks === 'eyes')
    return mirrored(
      svg`<ellipse cx="0.37" cy="-0.02" rx="0.2" ry="0.25" fill="#2b2a33" transform="rotate(24 0.37 -0.02)"/>`,
    )
  if (marks !== 'stripes') return ''
  const dark = mix(fur, ink, 0.6)
  const stripe = (path: string) =>
    svg`<path d="${path}" fill="none" stroke="${dark}" stroke-width="0.06" stroke-linecap="round"/>`
  const whiskers = svg`<path d="M0.34 0.4Q0.7 0.34 1.02 0.4M0.34 0.48Q0.7 0.48 0.98 0.58" fill="none" stroke="${mix(fur, ink, 0.75)}" stroke-width="0.018" stroke-linecap="round"/>`
  return (
    stripe('M0 -0.58V-0.34') +
    mirrored(
      stripe('M0.2 -0.56L0.15 -0.36') +
        stripe('M0.8 -0.06L0.62 -0.02') +
        stripe('M0.79 0.16L0.64 0.14') +
        whiskers,
    )
  )
}

function mane({ fur }: Animal, ink: string): string {
  const colour = mix(fur, '#8a3f1c', 0.65)
  const tips = repeat(18, (index) => {
    const angle = (index / 18) * Math.PI * 2
    return circle(
      Math.cos(angle) * 0.86,
      Math.sin(angle) * 0.84 + 0.04,
      0.3,
      mix(colour, ink, index % 2 ? 0.12 : 0),
    )
  })
  return tips.join('') + circle(0, 0.04, 0.9, colour)
}

function eye({ marks }: Animal, ink: string): string {
  const big = marks === 'beak'
  const x = big ? 0.36 : 0.36
  const y = big ? -0.02 : 0
  const ring = big ? circle(x, y, 0.24, '#f6b93f') : ''
  const colour = marks === 'eyes' ? '#0f0e14' : mix(ink, '#000000', 0.3)
  return (
    ring +
    circle(x, y, big ? 0.15 : 0.095, colour) +
    circle(x + 0.03, y - 0.04, big ? 0.05 : 0.032, '#ffffff')
  )
}

function nose(ink: string): string {
  const dark = mix(ink, '#000000', 0.3)
  return (
    shape('M-0.12 0.28Q0 0.2 0.12 0.28Q0.1 0.42 0 0.44Q-0.1 0.42 -0.12 0.28Z', dark) +
    svg`<path d="M0 0.44V0.52M-0.16 0.54Q-0.06 0.62 0 0.52Q0.06 0.62 0.16 0.54" fill="none" stroke="${dark}" stroke-width="0.03" stroke-linecap="round"/>`
  )
}

function beak(): string {
  return shape('M-0.12 0.14Q0 0.04 0.12 0.14Q0.08 0.36 0 0.44Q-0.08 0.36 -0.12 0.14Z', '#e79a3c')
}

function body({ fur, mask, marks }: Animal, foot: number, ink: string): string {
  const colour = marks === 'eyes' ? '#2b2a33' : mix(fur, ink, 0.12)
  const broad = svg`M-0.5 0.3C-0.95 ${foot * 0.55} -1 ${foot * 0.85} -0.92 ${foot}H0.92C1 ${foot * 0.85} 0.95 ${foot * 0.55} 0.5 0.3Z`
  const chest = svg`M-0.4 0.5C-0.5 ${foot * 0.6} -0.34 ${foot * 0.8} 0 ${foot * 0.92}C0.34 ${foot * 0.8} 0.5 ${foot * 0.6} 0.4 0.5Z`
  const leg = svg`<path d="M0.22 ${foot}V${foot * 0.72}" stroke="${mix(colour, ink, 0.4)}" stroke-width="0.035" stroke-linecap="round" opacity="0.6"/>`
  return shape(broad, colour) + shape(chest, mask, 0.94) + mirrored(leg)
}

function tail({ tail, fur, mask }: Animal, foot: number): string {
  if (tail === 'bushy')
    return (
      shape(
        svg`M0.4 ${foot}C1.2 ${foot * 0.98} 1.95 ${foot * 0.72} 1.5 ${foot * 0.16}C1.2 ${foot * 0.42} 1 ${foot * 0.5} 0.7 ${foot * 0.7}Z`,
        fur,
      ) +
      shape(
        svg`M1.64 ${foot * 0.45}C1.68 ${foot * 0.36} 1.62 ${foot * 0.26} 1.5 ${foot * 0.16}C1.36 ${foot * 0.33} 1.28 ${foot * 0.37} 1.16 ${foot * 0.44}C1.36 ${foot * 0.4} 1.5 ${foot * 0.52} 1.64 ${foot * 0.45}Z`,
        mask,
      )
    )
  if (tail === 'thin')
    return svg`<path d="M0.7 ${foot * 0.92}C1.5 ${foot} 1.5 ${foot * 0.6} 1.22 ${foot * 0.5}" fill="none" stroke="${fur}" stroke-width="0.17" stroke-linecap="round"/>`
  return ''
}

/** Grass and small flowers at the feet. */
function tufts({ width, height, unit, palette, random }: Scene): string {
  return repeat(34 * Math.sqrt(width / unit), () => {
    const x = random.between(0, width)
    const tall = unit * random.between(0.03, 0.1)
    const lean = unit * random.between(-0.03, 0.03)
    const foot = height * random.between(0.93, 1.01)
    const blade = shape(
      svg`M${x - 3} ${foot}Q${x} ${foot - tall * 0.6} ${x + lean} ${foot - tall}Q${x + 3} ${foot - tall * 0.4} ${x + 4} ${foot}Z`,
      mix(palette.near, palette.accents[2], random.between(0, 0.4)),
    )
    return random.chance(0.3)
      ? blade +
          circle(x + lean, foot - tall, unit * 0.008, random.pick([palette.accents[0], palette.accents[1]]))
      : blade
  }).join('')
}
