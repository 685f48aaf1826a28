import { ownIdsIn } from './own-urls.ts'
import {
  CHINESE_FALSE_FRIENDS,
  CHINESE_MEASURED,
  CHINESE_WORDS,
  CLIENT_TASKS,
  COURTESIES,
  ENGLISH_FALSE_FRIENDS,
  ENGLISH_WORDS,
  REFUSALS,
} from './picture-words.ts'
import { type ReadMessage, readMessage, roleOf } from './read-message.ts'

/** What was decided about a request, and by which rule. */
export interface Verdict {
  picture: boolean
  rule: string
}

/** Whether the user asks for a picture, judged by what the conversation holds. The first rule that applies decides. */
export function isPictureRequest(messages: readonly unknown[]): Verdict {
  const last = messages.findLast((message) => roleOf(message) === 'user')
  const request = { messages, last: readMessage(last) }
  const rule = RULES.find(({ applies }) => applies(request))
  return { picture: rule?.picture ?? false, rule: rule?.name ?? 'none' }
}

/** Whether a client asks on its own, for a title or a summary of the chat: never a request for a picture. */
export function isClientTask(messages: readonly unknown[]): boolean {
  const { text } = readMessage(messages.at(-1))
  return CLIENT_TASKS.some((pattern) => pattern.test(text))
}

interface Request {
  messages: readonly unknown[]
  /** The last message of the user. */
  last: ReadMessage
}

interface Rule {
  name: string
  picture: boolean
  applies(request: Request): boolean
}

/** In the order in which they are asked. Documented in docs/chat.md. */
export const RULES: readonly Rule[] = [
  { name: 'client-task', picture: false, applies: ({ messages }) => isClientTask(messages) },
  { name: 'image-part', picture: true, applies: ({ last }) => last.pictures.length > 0 },
  { name: 'courtesy', picture: false, applies: ({ last }) => COURTESIES.test(last.text) },
  { name: 'own-url', picture: true, applies: ({ messages }) => ownIdsIn(messages).length > 0 },
  { name: 'code-block', picture: false, applies: ({ last }) => CODE_BLOCK.test(last.text) },
  { name: 'link', picture: true, applies: ({ last }) => LINK.test(last.text) },
  { name: 'words-zh', picture: true, applies: ({ last }) => holdsChinese(last.text) },
  { name: 'words-en', picture: true, applies: ({ last }) => holdsEnglish(last.text) },
]

const CODE_BLOCK = /^\s*(?:```|~~~)/m
const LINK = /https?:\/\/[^\s/]/i

function holdsChinese(text: string): boolean {
  const rest = without(withoutRefusals(text), CHINESE_EXCEPTIONS)
  return CHINESE.test(rest) || CHINESE_MEASURED.test(rest)
}

function holdsEnglish(text: string): boolean {
  return ENGLISH.test(without(withoutRefusals(text), ENGLISH_EXCEPTIONS))
}

const withoutRefusals = (text: string): string => REFUSALS.reduce(without, text)

const without = (text: string, pattern: RegExp): string => text.replaceAll(pattern, ' ')

const CHINESE = new RegExp(CHINESE_WORDS.join('|'))
const CHINESE_EXCEPTIONS = new RegExp(
  CHINESE_FALSE_FRIENDS.toSorted((a, b) => b.length - a.length).join('|'),
  'g',
)
const ENGLISH = wholeWords(ENGLISH_WORDS, 'iu')
const ENGLISH_EXCEPTIONS = wholeWords(ENGLISH_FALSE_FRIENDS, 'giu')

/** No letter, digit, hyphen or part of a file name or path on either side; Chinese may stand right beside a word. */
function wholeWords(words: readonly string[], flags: string): RegExp {
  const before = '(?<![\\p{Script=Latin}\\d_./@#-])'
  const after = '(?![\\p{Script=Latin}\\d_-]|[./]\\w)'
  return new RegExp(`${before}(?:${words.join('|')})${after}`, flags)
}
