import { Spooled, SpooledText } from '../../bytes/spooled.ts'
import { findOwnUrls } from './own-urls.ts'
import { widen } from './widen.ts'

/** A text of a message in any form that the body reader gives it. */
export type Text = string | Spooled | SpooledText

/** A picture that stands in a text. */
export type TextPicture =
  | { kind: 'own'; id: string; isThumbnail: boolean }
  /** A data URL as long as it is in memory, else its file. */
  | { kind: 'picture'; picture: Spooled | string }

export interface ReadText {
  /** The words alone: without our links, data URLs and the markdown or HTML around them. */
  text: string
  pictures: TextPicture[]
}

/** Separates the words of a text from the pictures in it. Links to other sites are words. */
export function readText(value: Text): ReadText {
  const { text, spooled } = inOne(value)
  const pictures: TextPicture[] = []
  let words = ''
  let at = 0
  for (const { start, end, picture } of findPictures(text, spooled)) {
    const stretch = widen(text, start, end)
    if (stretch.start < at) continue
    words += `${text.slice(at, stretch.start)}${stretch.label}`
    at = stretch.end
    if (picture) pictures.push(picture)
  }
  return { text: tidy(words + text.slice(at)), pictures }
}

/** Whether a value is one of the forms of a text. */
export const isText = (value: unknown): value is Text =>
  typeof value === 'string' || value instanceof Spooled || value instanceof SpooledText

interface Marked {
  text: string
  /** By the marks that stand for them in the text. */
  spooled: ReadonlyMap<string, Spooled>
}

function inOne(value: Text): Marked {
  const spooled = new Map<string, Spooled>()
  if (typeof value === 'string') return { text: value, spooled }
  const parts = value instanceof Spooled ? [value] : value.parts
  const texts = parts.map((part) => {
    if (typeof part === 'string') return part
    const mark = `spooled:${crypto.randomUUID()}`
    spooled.set(mark, part)
    return mark
  })
  return { text: texts.join(''), spooled }
}

/** Where a picture stands in a text; what is no picture, such as a spooled document, is only taken out. */
interface Found {
  start: number
  end: number
  picture: TextPicture | undefined
}

function findPictures(text: string, spooled: Marked['spooled']): Found[] {
  const own = findOwnUrls(text).map(({ start, end, id, isThumbnail }): Found => {
    return { start, end, picture: { kind: 'own', id, isThumbnail } }
  })
  const data = Array.from(text.matchAll(DATA_URL), ({ 0: url, index }): Found => {
    return { start: index, end: index + url.length, picture: { kind: 'picture', picture: url } }
  })
  const marked = Array.from(spooled, ([mark, picture]): Found => {
    const start = text.indexOf(mark)
    return { start, end: start + mark.length, picture: picture.mime && { kind: 'picture', picture } }
  })
  return [...own, ...data, ...marked].sort((a, b) => a.start - b.start)
}

const DATA_URL = /data:image\/[\w.+-]{1,40}(?:;[\w.+=-]{1,60})*;base64,[\w+/=-]+/gi

const tidy = (text: string): string =>
  text
    .replaceAll(/[ \t]{2,}/g, ' ')
    .replaceAll(/ *\n(?: *\n)+/g, '\n\n')
    .trim()
