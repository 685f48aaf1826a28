import { Spooled } from '../../bytes/spooled.ts'
import { findOwnUrls } from './own-urls.ts'
import { isText, readText, type TextPicture } from './read-text.ts'
import { fieldOf, isRecord, type JsonRecord, recordsIn } from './rewrite/records.ts'

/** A picture of a message. `foreign` is only what stands as a picture: a link in a text is words. */
export type MessagePicture = TextPicture | { kind: 'foreign'; url: string }

export interface ReadMessage {
  text: string
  pictures: MessagePicture[]
}

/**
 * The words and pictures of a message, whatever form its client gave them; what is in neither is left out. Of the
 * arguments of tools it is the pictures alone: the words are for the tool.
 */
export function readMessage(message: unknown): ReadMessage {
  const content = fieldOf(message, 'content')
  const images = fieldOf(message, 'images')
  const parts = [...(Array.isArray(content) ? content : [content]), ...(Array.isArray(images) ? images : [])]
  const read = parts.map(readPart)
  return {
    text: read
      .map(({ text }) => text)
      .filter((text) => text !== '')
      .join('\n'),
    pictures: [...read, ...argumentsOf(message).map(readText)].flatMap(({ pictures }) => pictures),
  }
}

/** The role of a message; who says none is the user. */
export function roleOf(message: unknown): string {
  const role = fieldOf(message, 'role')
  return typeof role === 'string' ? role : 'user'
}

/** What the tools that a message calls are given, each as JSON. */
export function argumentsOf(message: unknown): string[] {
  const functions = recordsIn(fieldOf(message, 'tool_calls')).map((call) => call.function)
  return [...functions, fieldOf(message, 'function_call')].flatMap((call) => {
    const given = fieldOf(call, 'arguments')
    return typeof given === 'string' ? [given] : []
  })
}

/** Names of the parts of a content that hold text. */
export const isTextPart = (part: JsonRecord): boolean =>
  part.type === 'text' || part.type === 'input_text' || part.type === 'output_text'

/** The picture of a content part as a link, data URL, base64 or file; undefined where it is no picture. */
export function pictureOf(part: JsonRecord): string | Spooled | undefined {
  const value = [part.image_url, part.image, part.source, part.url].find((field) => field !== undefined)
  const inner = isPicture(value) ? value : PICTURE_FIELDS.map((name) => fieldOf(value, name)).find(isPicture)
  return inner === '' ? undefined : inner
}

const PICTURE_FIELDS = ['url', 'base64', 'b64_json', 'data']

const isPicture = (value: unknown): value is string | Spooled =>
  typeof value === 'string' || value instanceof Spooled

function readPart(part: unknown): ReadMessage {
  if (isText(part)) return readText(part)
  if (!isRecord(part)) return NOTHING
  if (isTextPart(part)) return isText(part.text) ? readText(part.text) : NOTHING
  const picture = pictureOf(part)
  return picture === undefined ? NOTHING : { text: '', pictures: [readPicture(picture)] }
}

const NOTHING: ReadMessage = { text: '', pictures: [] }

function readPicture(picture: string | Spooled): MessagePicture {
  if (typeof picture !== 'string' || /^data:/i.test(picture)) return { kind: 'picture', picture }
  const [own] = findOwnUrls(picture)
  if (own) return { kind: 'own', id: own.id, isThumbnail: own.isThumbnail }
  return /^https?:/i.test(picture.trim())
    ? { kind: 'foreign', url: picture.trim() }
    : { kind: 'picture', picture }
}
