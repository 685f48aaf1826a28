/** Scripts that say, alone or with their letters, which language is written. */
const SCRIPTS = [
  'Latin',
  'Han',
  'Hiragana',
  'Katakana',
  'Bopomofo',
  'Hangul',
  'Cyrillic',
  'Arabic',
  'Hebrew',
  'Greek',
  'Thai',
  'Lao',
  'Khmer',
  'Myanmar',
  'Tibetan',
  'Devanagari',
  'Bengali',
  'Gurmukhi',
  'Gujarati',
  'Tamil',
  'Telugu',
  'Kannada',
  'Malayalam',
  'Sinhala',
  'Georgian',
  'Armenian',
  'Ethiopic',
] as const
export type Script = (typeof SCRIPTS)[number]

const PATTERNS = SCRIPTS.map((script) => [script, new RegExp(`\\p{Script=${script}}`, 'gu')] as const)

/** The letters of a text by their script; scripts without any are absent. */
export function lettersOf(text: string): ReadonlyMap<Script, string> {
  return new Map(
    PATTERNS.flatMap(([script, pattern]) => {
      const found = text.match(pattern)
      return found === null ? [] : [[script, found.join('')] as const]
    }),
  )
}

/** The language that is written in a script other than the Latin one, as a BCP 47 tag. `Han`: any of East Asia. */
export function scriptLanguage(script: Script, letters: ReadonlyMap<Script, string>): string {
  if (script === 'Han') return eastAsian(letters)
  if (script === 'Cyrillic' || script === 'Arabic') return byLetters(script, letters.get(script) ?? '')
  return LANGUAGES[script] ?? 'und'
}

/** Korean and Japanese mix their own letters with Chinese ones; a single kana is also an ornament of Chinese names. */
function eastAsian(letters: ReadonlyMap<Script, string>): string {
  const count = (script: Script) => [...(letters.get(script) ?? '')].length
  const han = count('Han')
  const kana = count('Hiragana') + count('Katakana')
  const hangul = count('Hangul')
  if (hangul > 0 && hangul >= kana && hangul * 4 >= han) return 'ko'
  return kana > 0 && kana * 9 >= han ? 'ja' : 'zh'
}

/** Letters by which the languages of a script are told apart, asked in this order; the last one has none of its own. */
const TELLING: Record<'Cyrillic' | 'Arabic', readonly (readonly [language: string, letters: RegExp])[]> = {
  Cyrillic: [
    ['kk', /[әғқңөұүһ]/i],
    ['be', /ў/i],
    ['uk', /[ґєї]/i],
    ['mk', /[ѓќѕ]/i],
    ['sr', /[ђјљњћџ]/i],
    ['uk', /і/i],
    ['ru', /[ыэё]/i],
    // A vowel in Bulgarian, after a consonant and before one; Russian has it before е, ё, ю and я only.
    ['bg', /ъ(?![еёюя])/i],
    ['ru', /./],
  ],
  Arabic: [
    ['ur', /[ٹڈڑںے]/],
    ['fa', /[پچژگکی]/],
    ['ar', /./],
  ],
}

const byLetters = (script: 'Cyrillic' | 'Arabic', letters: string): string =>
  TELLING[script].find(([, telling]) => telling.test(letters))?.[0] ?? 'und'

const LANGUAGES: Partial<Record<Script, string>> = {
  Hebrew: 'he',
  Greek: 'el',
  Thai: 'th',
  Lao: 'lo',
  Khmer: 'km',
  Myanmar: 'my',
  Tibetan: 'bo',
  Devanagari: 'hi',
  Bengali: 'bn',
  Gurmukhi: 'pa',
  Gujarati: 'gu',
  Tamil: 'ta',
  Telugu: 'te',
  Kannada: 'kn',
  Malayalam: 'ml',
  Sinhala: 'si',
  Georgian: 'ka',
  Armenian: 'hy',
  Ethiopic: 'am',
}
