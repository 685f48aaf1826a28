import { latinLanguage } from './latin-language.ts'
import { lettersOf, type Script, scriptLanguage } from './script-language.ts'

/**
 * The language of a prompt as a BCP 47 tag, `und` where it holds no letters. Judged by the letters outside quotation marks,
 * links and parameters: a foreign name in an English sentence leaves it English, and so does a sign that says 「営業中」.
 */
export function detectLanguage(prompt: string): string {
  const own = lettersOf(withoutForeign(prompt))
  const letters = own.size > 0 ? own : lettersOf(prompt)
  const script = dominant(letters)
  if (script === undefined) return 'und'
  return script === 'Latin' ? latinLanguage(withoutForeign(prompt)) : scriptLanguage(script, letters)
}

/** What is to be drawn as it stands, or read by a program: quoted text, links, `--ar 16:9`, `<lora:name:1>`. */
const withoutForeign = (prompt: string): string =>
  FOREIGN.reduce((text, pattern) => text.replace(pattern, ' '), prompt)

const FOREIGN = [
  /https?:\/\/\S+/g,
  /<[^<>]{1,200}>/g,
  /(?<!\S)--?[a-z]\w*(?:[ =][\w:.]+)?/gi,
  /"[^"]{1,500}"|“[^”]{1,500}”|„[^“”]{1,500}[“”]|«[^»]{1,500}»|「[^」]{1,500}」|『[^』]{1,500}』/g,
]

/** A letter of these scripts says about as much as several of an alphabet: a Chinese word has two, an English one five. */
const WEIGHT: Partial<Record<Script, number>> = { Han: 2.5, Hiragana: 1.5, Katakana: 1.5, Hangul: 2 }

/** The scripts of one language count together, or a name in one of them would win over the rest. */
const FAMILY: Partial<Record<Script, Script>> = {
  Hiragana: 'Han',
  Katakana: 'Han',
  Hangul: 'Han',
  Bopomofo: 'Han',
}

function dominant(letters: ReadonlyMap<Script, string>): Script | undefined {
  const weights = new Map<Script, number>()
  for (const [script, text] of letters) {
    const family = FAMILY[script] ?? script
    weights.set(family, (weights.get(family) ?? 0) + text.length * (WEIGHT[script] ?? 1))
  }
  return [...weights].toSorted(([, one], [, other]) => other - one)[0]?.[0]
}
