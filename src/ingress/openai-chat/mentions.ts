import { mapMessage } from './map-message.ts'
import { findOwnUrls } from './own-urls.ts'
import { roleOf } from './read-message.ts'

/** A link to one of our pictures in a conversation. */
export interface Mention {
  id: string
  /** Which message it stands in. */
  index: number
  /** `part`: a picture part of the user; `text`: words, `images`, or a part of what is not from the user; `kept`: a tool's. */
  place: 'part' | 'text' | 'kept'
  url: string
}

/** All links to our pictures, in order. */
export function mentionsIn(messages: readonly unknown[]): Mention[] {
  return messages.flatMap((message, index) => {
    const mentions: Mention[] = []
    const note = (text: string, place: Mention['place']) => {
      for (const { id, start, end } of findOwnUrls(text)) {
        mentions.push({ id, index, place, url: text.slice(start, end).replaceAll('\\/', '/') })
      }
    }
    const picture = (part: unknown, url: string) => {
      note(url, roleOf(message) === 'user' ? 'part' : 'text')
      return [part]
    }
    const image = (part: unknown, url: string) => {
      note(url, 'text')
      return [part]
    }
    const text = (text: string) => {
      note(text, 'text')
      return text
    }
    mapMessage(message, { text, picture, image, kept: (text) => note(text, 'kept') })
    return mentions
  })
}
