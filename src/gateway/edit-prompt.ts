import type { EditMode, ImageJob } from '../../contract/job.ts'

/**
 * The words that an upstream is sent for an edit mode. docs/editing.md shows them.
 * @param words what the caller wants, in the language of the upstream; may be empty for an `upscale`
 */
export function editPrompt({ mode, strength }: NonNullable<ImageJob['edit']>, words: string): string {
  const { task, degrees, keep } = TEMPLATES[mode]
  return [task(words.trim()), degrees[bandOf(strength)], keep].join(' ')
}

/** How much is to change: up to 0.25, 0.5, 0.75, and 1. */
type Band = 'slight' | 'moderate' | 'strong' | 'full'

function bandOf(strength: number): Band {
  if (strength <= 0.25) return 'slight'
  if (strength <= 0.5) return 'moderate'
  return strength <= 0.75 ? 'strong' : 'full'
}

interface Template {
  task(words: string): string
  degrees: Readonly<Record<Band, string>>
  /** What must not change. */
  keep: string
}

const TEMPLATES: Record<EditMode, Template> = {
  style_transfer: {
    task: (words) => `Redraw this picture in the following style: ${asSentence(words)}`,
    degrees: {
      slight:
        'Apply the style lightly: only a touch in colours and texture, the picture stays nearly as it is.',
      moderate:
        'Apply the style moderately: colours, texture and light follow it, while lines and details stay.',
      strong:
        'Apply the style strongly: everything is drawn in it, while each thing stays easy to recognise.',
      full: 'Apply the style fully: redraw every part as if the picture had been made in it from the start.',
    },
    keep: 'Keep the subject, the composition, the poses and the point of view.',
  },
  upscale: {
    task: (words) =>
      `Give back this same picture at a larger size, sharp and clean.${words === '' ? '' : ` Mind this: ${asSentence(words)}`}`,
    degrees: {
      slight: 'Invent nothing: only make edges crisp and remove noise and compression marks.',
      moderate: 'Restore fine texture where it can be guessed with certainty, and remove noise and blur.',
      strong: 'Restore fine texture and small details that fit what is there, and remove noise and blur.',
      full: 'Add rich fine detail to every surface, as a larger original would have it.',
    },
    keep: 'Do not change content, composition, colours, faces, text or crop.',
  },
  inpainting: {
    task: (words) => `Change one part of this picture: ${asSentence(words)}`,
    degrees: {
      slight: 'Change as little as possible, and let much of what was there show.',
      moderate: 'Change what is needed, and keep the shapes of what was there where they fit.',
      strong: 'Replace the part, and let only light and perspective of what was there lead you.',
      full: 'Replace the part completely, and ignore what was there before.',
    },
    keep: 'If a mask is given, change only what it leaves open. Keep everything else exactly as it is, and match light, perspective and grain so that no seam shows.',
  },
  background_replace: {
    task: (words) => `Replace the background of this picture with: ${asSentence(words)}`,
    degrees: {
      slight: 'Stay close to the mood, colours and depth of the old background.',
      moderate: 'Let the new background differ, and keep its light and colours similar to the old one.',
      strong: 'Make the new background its own place, and adapt light and shadows on the subject a little.',
      full: 'Make the new background entirely its own place, and adapt light, shadows and reflections on the subject to it.',
    },
    keep: 'Keep the subject in front exactly as it is: its shape, its details, its pose, its place and its size.',
  },
}

/** Ended by a full stop, so that what follows begins anew. */
const asSentence = (words: string): string => (/[.!?。！？…]$/.test(words) ? words : `${words}.`)
