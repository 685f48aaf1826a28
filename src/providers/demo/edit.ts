import type { OverlayOptions, Sharp } from 'sharp'
import { ProviderError } from '../provider-error.ts'
import { channels, mix } from './colour.ts'
import { decorate, FRAME_INSET, medallion, mural } from './decoration.ts'
import { grain } from './grain.ts'
import { label } from './label.ts'
import { type Painting, previewSize, rasterize, unfinished } from './paint.ts'
import type { Palette } from './palettes.ts'
import { createRandom } from './random.ts'
import { type EditMask, fromPixels, type Pixels, readMask, readReference, toPixels } from './reference.ts'
import type { Box, DemoRequest } from './request.ts'
import { createScene, type Scene } from './scene.ts'
import { chooseSubject } from './subject.ts'
import { svg } from './svg.ts'
import { thumbnailBoxes, thumbnailFrames } from './thumbnails.ts'

/** Share of the palette's colours in an edited picture; the rest are its own. */
const TONED = 0.72

/** What an edit starts from, decoded. */
interface Material {
  base: Pixels
  mask: EditMask | undefined
  /** Further references, small. */
  insets: readonly Inset[]
}

interface Inset {
  pixels: Pixels
  box: Box
}

/**
 * Reads the pictures of an edit once, and returns what paints an edited one for a seed: the first reference in the
 * asked size and the prompt's colours, decorated with the prompt's motif and the further references. A mask keeps
 * the rest of the picture as it is.
 * @throws {ProviderError} `bad_param` for a picture that cannot be decoded
 */
export async function openEdit(request: DemoRequest): Promise<(seed: number) => Promise<Painting>> {
  const material = await readMaterial(request)
  return async (seed) => {
    const pixels = await toPixels(await edit(request, material, seed))
    const small = previewSize(request.size)
    return {
      final: () => fromPixels(pixels),
      preview: (part) =>
        unfinished(fromPixels(pixels).resize(small.width, small.height, { fit: 'fill' }), part),
    }
  }
}

async function readMaterial({ references, mask, size }: DemoRequest): Promise<Material> {
  const [first, ...others] = references
  if (!first)
    throw new ProviderError('bad_param', { param: 'image', detail: 'there is no picture to work on' })
  const boxes = thumbnailBoxes(others.length, size)
  const insets: Inset[] = []
  for (const [index, other] of others.entries()) {
    const box = boxes[index]
    if (box) insets.push({ pixels: await readReference(other, box), box })
  }
  return {
    base: await readReference(first, size),
    mask: mask && (await readMask(mask, size)),
    insets,
  }
}

async function edit({ prompt, size }: DemoRequest, material: Material, seed: number): Promise<Sharp> {
  const { palette, motif } = chooseSubject(prompt, seed)
  const scene = createScene(size, palette, createRandom(`edit ${prompt} ${seed}`))
  const pixel = scene.width / size.width
  const random = createRandom(`scene ${prompt} ${seed}`)
  const open = material.mask && scaled(material.mask.box, pixel)
  const content = [
    open ? mural(open, palette, motif, random) : decorate(scene),
    open || prompt === '' ? '' : medallion(scene, motif, random),
    svg`<g transform="scale(${pixel})">${thumbnailFrames(boxesOf(material), palette.paper)}</g>`,
    label(open ? shrunk(open, open.width * 0.15, open.height * 0.15) : framed(scene), palette, pixel),
  ].join('')
  const paintwork = await toPixels(rasterize(content, scene, size))
  // A pipeline of sharp would tone what is laid over the picture too.
  const toned = await toPixels(tone(fromPixels(material.base), palette))
  const changed = fromPixels(toned)
    .composite([
      overlay(paintwork, 0, 0),
      ...material.insets.map(({ pixels, box }) => overlay(pixels, box.x, box.y)),
      grain(size),
    ])
    .removeAlpha()
  return material.mask ? within(material.mask, material.base, await toPixels(changed)) : changed
}

function boxesOf({ insets }: Material): Box[] {
  return insets.map(({ box }) => box)
}

function scaled({ x, y, width, height }: Box, scale: number): Box {
  return { x: x * scale, y: y * scale, width: width * scale, height: height * scale }
}

/** The part of a box that is left without its edges: also a round hole holds that. */
function shrunk({ x, y, width, height }: Box, horizontal: number, vertical: number): Box {
  return { x: x + horizontal, y: y + vertical, width: width - horizontal * 2, height: height - vertical * 2 }
}

function framed({ width, height, unit }: Scene): Box {
  return shrunk({ x: 0, y: 0, width, height }, unit * FRAME_INSET, unit * FRAME_INSET)
}

/** Turns lightness into a scale from the palette's dark to its bright colour, and mixes that with the picture. */
function tone(picture: Sharp, palette: Palette): Sharp {
  const dark = channels(mix(palette.ink, palette.accents[2], 0.25))
  const bright = channels(mix(palette.paper, palette.accents[1], 0.3))
  const row = (channel: 0 | 1 | 2): [number, number, number] => {
    const gain = ((bright[channel] - dark[channel]) / 255) * TONED
    const own = (index: number) => (index === channel ? 1 - TONED : 0)
    return [0.2126 * gain + own(0), 0.7152 * gain + own(1), 0.0722 * gain + own(2)]
  }
  const lift = dark.map((value) => value * TONED)
  return picture.recomb([row(0), row(1), row(2)]).linear([1, 1, 1], lift)
}

function overlay({ data, width, height, channels }: Pixels, left: number, top: number): OverlayOptions {
  return { input: data, raw: { width, height, channels }, left, top }
}

/** The change where the mask is open, the picture as it was elsewhere. */
async function within(mask: EditMask, base: Pixels, changed: Pixels): Promise<Sharp> {
  const { width, height } = mask.pixels
  const cut = await toPixels(
    fromPixels(changed).joinChannel(mask.pixels.data, { raw: { width, height, channels: 1 } }),
  )
  return fromPixels(base)
    .composite([{ input: cut.data, raw: { width, height, channels: 4 } }])
    .removeAlpha()
}
