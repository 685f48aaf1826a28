import { expect, test } from 'vitest'
import { EDIT_MODES } from '../../contract/job.ts'
import { editPrompt } from './edit-prompt.ts'

test('each mode in the words that docs/editing.md shows', () => {
  const words = {
    style_transfer: 'a woodcut',
    upscale: '',
    inpainting: 'a red door',
    background_replace: 'a beach at dusk',
  }
  const texts = EDIT_MODES.map((mode) => editPrompt({ mode, strength: 0.8 }, words[mode]))
  expect(texts).toEqual([
    'Redraw this picture in the following style: a woodcut. Apply the style fully: redraw every part as if the picture had been made in it from the start. Keep the subject, the composition, the poses and the point of view.',
    'Give back this same picture at a larger size, sharp and clean. Add rich fine detail to every surface, as a larger original would have it. Do not change content, composition, colours, faces, text or crop.',
    'Change one part of this picture: a red door. Replace the part completely, and ignore what was there before. If a mask is given, change only what it leaves open. Keep everything else exactly as it is, and match light, perspective and grain so that no seam shows.',
    'Replace the background of this picture with: a beach at dusk. Make the new background entirely its own place, and adapt light, shadows and reflections on the subject to it. Keep the subject in front exactly as it is: its shape, its details, its pose, its place and its size.',
  ])
})

test('strength has four bands in every mode, each in its own words', () => {
  for (const mode of EDIT_MODES) {
    const said = (strength: number) => editPrompt({ mode, strength }, 'x')
    for (const [low, high] of [
      [0, 0.25],
      [0.26, 0.5],
      [0.51, 0.75],
      [0.76, 1],
    ] as const)
      expect(said(low)).toBe(said(high))
    expect(new Set([0.2, 0.4, 0.6, 0.8].map(said)).size).toBe(4)
  }
})

test('words that end a sentence get no second full stop', () => {
  for (const words of ['Make it snow.', 'Make it snow!', '下雪。'])
    expect(editPrompt({ mode: 'inpainting', strength: 0 }, ` ${words}\n`)).toContain(`: ${words} Change`)
})

test('what to mind in an upscale is said where it was said', () => {
  expect(editPrompt({ mode: 'upscale', strength: 0 }, 'the small print')).toContain(
    'Mind this: the small print. Invent',
  )
})
