/**
 * The language of a text in Latin letters, as a BCP 47 tag; English in doubt. Prompts are short and full of names and loan words,
 * on which detectors trained on whole sentences fail ("a cat" is Romanian to them), so only what tells counts:
 * the small words of a language, and letters that are its own.
 */
export function latinLanguage(text: string): string {
  const words =
    text
      .toLowerCase()
      .normalize('NFC')
      .match(/[\p{L}\p{M}]+/gu) ?? []
  const english = words.filter((word) => ENGLISH.has(word)).length
  const points = LANGUAGES.map(({ language, letters, small }) => {
    // Among English words, a word with foreign letters is a name.
    const own = letters === undefined || english > 0 ? 0 : words.filter((word) => letters.test(word)).length
    return { language, points: 2 * own + words.filter((word) => small.has(word)).length }
  })
  const best = points.toSorted((one, other) => other.points - one.points)[0]
  return best && best.points >= ENOUGH && best.points > english ? best.language : 'en'
}

/** One small word may be part of a name: "El Capitan", "Der Spiegel". */
const ENOUGH = 2

interface Telling {
  language: string
  /** A word with one of these is of this language or a name from there. */
  letters?: RegExp
  small: ReadonlySet<string>
}

const telling = (language: string, small: string, letters?: RegExp): Telling => ({
  language,
  small: new Set(small.split(' ')),
  ...(letters ? { letters } : {}),
})

const ENGLISH = new Set(
  'the in of and with an at on by for from to is are its his her this that into under over'.split(' '),
)

/** In the order in which they win where two have the same points. Words that are also English are left out. */
const LANGUAGES: readonly Telling[] = [
  telling('vi', 'một con và của trong với trên các những', /[ơưđ\u1ea0-\u1ef9]/),
  telling('tr', 've bir ile için üzerinde altında gibi', /[ığş]/),
  telling('pl', 'w z na i ze pod nad przez oraz jest', /[łąęśźżćń]/),
  telling('cs', 've se na pod nad jako je', /[řůěť]/),
  telling('hu', 'egy és az vagy alatt felett mellett', /[őű]/),
  telling('ro', 'în și cu pe un o pentru din lui', /[ășță]/),
  telling(
    'de',
    'der die das den dem des ein eine einen einem einer und mit im auf vor von für über unter am zum zur ist',
    /ß/,
  ),
  telling('fr', 'le la les un une des du de et dans avec sur sous pour au aux est qui'),
  telling('es', 'el la los las un una de del y en con sobre bajo para al que es'),
  telling('pt', 'o os as um uma de do da dos das e em no na com sobre para ao que', /[ãõ]/),
  telling('it', 'il lo la gli un una di del della dei delle e nel nella con su sul sulla per che'),
  telling('nl', 'een het de van en met op onder voor naast bij zijn'),
  telling('sv', 'en ett och med på av för i under som är'),
  telling('da', 'en et og med på af for i under som er', /[øæ]/),
  telling('fi', 'ja on alla kanssa kuin joka'),
  telling('id', 'yang dan di dengan seekor sebuah seorang dari untuk'),
]
