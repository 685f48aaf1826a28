import { MAX_INPUT_IMAGES } from '../../../contract/job.ts'
import type { Spooled } from '../../bytes/spooled.ts'
import { wantsNewPicture } from './new-picture.ts'
import { type MessagePicture, readMessage, roleOf } from './read-message.ts'

/** A picture to draw from. `own`: one of ours by its id; `picture`: sent along, as a file, data URL or base64. */
export type Reference =
  | { kind: 'own'; id: string }
  | { kind: 'picture'; picture: Spooled | string }
  | { kind: 'foreign'; url: string }

/** What a model that knows nothing but drawing is asked for. */
export interface Conversation {
  /** The last words of the user, without pictures; empty when there are none. */
  prompt: string
  /** In the order of the conversation, at most {@link MAX_INPUT_IMAGES}. */
  references: Reference[]
  /** Links to pictures elsewhere that stand in the prompt: words, unless such pictures may be fetched. */
  links: string[]
}

/**
 * Takes a picture request out of a conversation. The user's turn is what was written since the last answer.
 * Its last text is the prompt; its latest pictures are the references, or else those of the latest answer that has
 * some, or else those that the user sent before. Where a new picture is asked for, only what came with the prompt counts.
 * What the system says is left out: it was written for a model that talks.
 */
export function readConversation(messages: readonly unknown[]): Conversation {
  const spoken = messages.filter((message) => !UNHEARD.has(roleOf(message)))
  const end = spoken.findLastIndex(isFromUser) + 1
  const begin = spoken.slice(0, end).findLastIndex((message) => !isFromUser(message)) + 1
  const turn = spoken.slice(begin, end).map(readMessage)
  const prompt = turn.findLast(({ text }) => text !== '')?.text ?? ''
  const sent = wantsNewPicture(prompt)
    ? (turn.at(-1)?.pictures ?? [])
    : (turn.findLast(({ pictures }) => pictures.length > 0)?.pictures ?? inherited(spoken.slice(0, begin)))
  return { prompt, references: toReferences(sent), links: prompt.match(PICTURE_LINK) ?? [] }
}

const UNHEARD = new Set(['system', 'developer'])

const isFromUser = (message: unknown): boolean => roleOf(message) === 'user'

/** A link that says by its ending that it is a picture. */
const PICTURE_LINK =
  /https?:\/\/[\w.~:/@%+=&;-]+\.(?:png|jpe?g|webp|gif|avif)(?!\w)(?:\?[\w%=&+~.;-]*[\w%=&+~-])?/gi

function inherited(earlier: readonly unknown[]): MessagePicture[] {
  return latest(earlier.filter((message) => !isFromUser(message))) ?? latest(earlier.filter(isFromUser)) ?? []
}

function latest(messages: readonly unknown[]): MessagePicture[] | undefined {
  for (const message of messages.toReversed()) {
    const pictures = drawnIn(readMessage(message).pictures)
    if (pictures.length > 0) return pictures
  }
  return undefined
}

/** In an answer of ours, a thumbnail shows what was drawn from. Where nothing was drawn, that is what to try again with. */
function drawnIn(pictures: MessagePicture[]): MessagePicture[] {
  const drawn = pictures.filter((picture) => picture.kind !== 'own' || !picture.isThumbnail)
  return drawn.length > 0 ? drawn : pictures
}

function toReferences(pictures: readonly MessagePicture[]): Reference[] {
  const seen = new Set<string>()
  const distinct = pictures.filter((picture) => {
    if (picture.kind !== 'own') return true
    return !seen.has(picture.id) && seen.add(picture.id)
  })
  return distinct.slice(0, MAX_INPUT_IMAGES).map(toReference)
}

const toReference = (picture: MessagePicture): Reference =>
  picture.kind === 'own' ? { kind: 'own', id: picture.id } : picture
