import { type HanCutter, hanCutter, segmentsOf } from './segment.ts'

/**
 * The words under which a text is found, as often as they occur in it. What comes after 32,000 characters is not looked
 * at. Never throws, whatever the text.
 *
 * Of a run of Han characters these are the words as jieba cuts it, and once more every word that stands anywhere in the
 * run, and every character. So any part of the run finds it, wherever the cuts fall; and a text that has a word as a word
 * comes before one that has it across the edge of two others.
 */
export const indexedWords = (text: string): Promise<string[]> =>
  wordsOf(text, ({ cut, everyWord }) => ({
    han: (run) => [...cut(run), ...everyWord(run)],
    // Alone it may be cut otherwise than in its sentence; then it is found both ways, and by the Han characters in it.
    segment: (segment) => [
      ...new Set([segment, ...segmentsOf(segment), ...(segment.match(HAN_RUNS) ?? []).flatMap(everyWord)]),
    ],
  }))

/** The different words that a text must have so that this query finds it: the first 100. */
export async function searchedWords(query: string): Promise<string[]> {
  const words = await wordsOf(query, ({ cut }) => ({ han: cut, segment: (segment) => [segment] }))
  return [...new Set(words)].slice(0, MOST_WORDS)
}

const MOST_CHARACTERS = 32_000
const MOST_WORDS = 100

/** What index and query treat differently. */
interface Cutters {
  /** Words of a run of Han characters. */
  han(run: string): string[]
  /** Words of a segment in another script that is written without spaces. */
  segment(segment: string): string[]
}

async function wordsOf(text: string, choose: (han: HanCutter) => Cutters): Promise<string[]> {
  const plain = toPlain(text.slice(0, MOST_CHARACTERS))
  const cutters = choose(HAN.test(plain) ? await hanCutter() : NO_HAN)
  const words: string[] = []
  for (const { 0: run, groups = {} } of plain.matchAll(RUN)) {
    if (groups.eastAsian !== undefined) words.push(...eastAsianWords(run, cutters))
    else if (groups.unspaced !== undefined) words.push(...segmentsOf(run).flatMap(cutters.segment))
    else words.push(run)
  }
  return words
}

/** One form for letters that mean the same: no full-width letters, no capitals, no accents on Latin letters. */
const toPlain = (text: string) =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/(\p{Script=Latin})\p{Mn}+/gu, '$1')
    .normalize('NFC')
    // The one letter whose small form depends on where it stands.
    .replaceAll('ς', 'σ')

const NO_HAN: HanCutter = { cut: (run) => [run], everyWord: () => [] }

/** Kana make it Japanese. Its words of Han characters alone go the way of Han runs, so that each finds the other. */
function eastAsianWords(run: string, { han, segment }: Cutters): string[] {
  if (!KANA.test(run)) return han(run)
  return segmentsOf(run).flatMap((part) => (KANA.test(part) ? segment(part) : han(part)))
}

const HAN = /[\p{Script=Han}\u3006]/u
const HAN_RUNS = /[\p{Script=Han}\u3006]+/gu
const KANA = /[\p{Script=Hiragana}\p{Script=Katakana}\u30fc]/u

const EAST_ASIAN = String.raw`[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3006\u30fc]`
const UNSPACED = String.raw`[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]`
const OTHERWISE = String.raw`[${EAST_ASIAN}${UNSPACED}\p{Script=Hangul}]`

/**
 * What is a run of one way of writing: the words between spaces and punctuation are runs already. Hangul is a run of its
 * own, since an ending follows a Latin word without a space. An emoji is a word. All else parts words.
 */
const RUN = new RegExp(
  [
    `(?<eastAsian>${EAST_ASIAN}+)`,
    `(?<unspaced>${UNSPACED}+)`,
    String.raw`\p{Script=Hangul}+`,
    String.raw`[[\p{L}\p{N}]--${OTHERWISE}][[\p{L}\p{N}\p{Mn}\p{Mc}]--${OTHERWISE}]*`,
    String.raw`\p{Emoji_Presentation}`,
  ].join('|'),
  'gv',
)
