import { animal } from './motifs/animal.ts'
import { city } from './motifs/city.ts'
import { desert } from './motifs/desert.ts'
import { flowers } from './motifs/flowers.ts'
import { forest } from './motifs/forest.ts'
import { mountains } from './motifs/mountains.ts'
import { ribbons } from './motifs/ribbons.ts'
import { sea } from './motifs/sea.ts'
import { space } from './motifs/space.ts'
import { PALETTES, type Palette } from './palettes.ts'
import { createRandom, type Random } from './random.ts'
import type { Motif } from './scene.ts'
import { ANIMAL_WORDS, MOTIF_WORDS } from './words.ts'

/** The motifs that are not animals. */
export const MOTIFS = {
  mountains,
  sea,
  city,
  flowers,
  ribbons,
  forest,
  desert,
  space,
} as const satisfies Record<string, Motif>

/** What to paint: a motif, and the colours to paint it in. */
export interface Subject {
  name: string
  motif: Motif
  palette: Palette
}

/**
 * Reads a prompt for words that name a thing or a mood. The thing that comes first in the prompt wins, the longer word
 * where two begin together; a prompt of unknown words always gets the same motif. The seed picks colours where no word does.
 */
export function chooseSubject(prompt: string, seed: number): Subject {
  const text = prompt.slice(0, 2000).toLowerCase()
  const { name, motif } = findAnimal(text) ?? findMotif(text, createRandom(`motif ${prompt}`))
  return { name, motif, palette: choosePalette(text, name, createRandom(`palette ${prompt} ${seed}`)) }
}

/** An animal is what a prompt is about, whatever stands around it. */
function findAnimal(text: string): Omit<Subject, 'palette'> | undefined {
  const name = firstNamed(text, ANIMAL_WORDS)
  return name && { name, motif: (scene) => animal(scene, name) }
}

function findMotif(text: string, random: Random): Omit<Subject, 'palette'> {
  const name = firstNamed(text, MOTIF_WORDS) ?? random.pick(MOTIF_NAMES)
  return { name, motif: MOTIFS[name] }
}

const MOTIF_NAMES = ['ribbons', 'mountains', 'sea', 'city', 'flowers', 'forest', 'desert', 'space'] as const

/** Palettes that chance must not choose for a motif: nobody wants a brown sea. */
const UNFIT: Readonly<Record<string, readonly string[]>> = {
  sea: ['dune', 'autumn'],
  space: ['dune', 'autumn', 'meadow', 'brush'],
  fox: ['autumn'],
}

function choosePalette(text: string, motif: string, random: Random): Palette {
  const words = Object.fromEntries(PALETTES.map((palette) => [palette.name, palette.words]))
  const named = firstNamed(text, words)
  const [first, ...others] = PALETTES
  const fit = others.filter(({ name }) => !UNFIT[motif]?.includes(name))
  return PALETTES.find(({ name }) => name === named) ?? random.pick([first, ...fit])
}

/** The entry whose word stands first in the text. */
function firstNamed<Name extends string>(
  text: string,
  table: Readonly<Record<Name, readonly string[]>>,
): Name | undefined {
  let best: { name: Name; at: number; length: number } | undefined
  for (const name in table)
    for (const word of table[name]) {
      const at = find(text, word)
      if (at < 0) continue
      if (!best || at < best.at || (at === best.at && word.length > best.length))
        best = { name, at, length: word.length }
    }
  return best?.name
}

function find(text: string, word: string): number {
  if (!/^[a-z]/.test(word)) return text.indexOf(word)
  return text.search(new RegExp(`\\b${word}(?:s|es|y)?\\b`))
}
