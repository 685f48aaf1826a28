import { SpooledText } from '../../bytes/spooled.ts'
import { argumentsOf, isTextPart, pictureOf, roleOf } from './read-message.ts'
import { isRecord, type JsonRecord } from './rewrite/records.ts'

/** What is done with the places of a message in which a link to a picture may stand. */
export interface PlaceVisitor {
  /** Words that the model reads; returns what it shall read instead. */
  text(text: string): string
  /** A picture part with a link; returns what stands in its place. */
  picture(part: JsonRecord, url: string): unknown[]
  /** The same in `images`, beside the content. */
  image(part: JsonRecord, url: string): unknown[]
  /** Arguments and results of tools: whoever reads them needs the link as it is. */
  kept(text: string): void
}

/** A message with its places as the visitor wants them, in their order. What we do not know stays as it is. */
export function mapMessage(message: unknown, visitor: PlaceVisitor): unknown {
  if (!isRecord(message)) return message
  const content = mapContent(message.content, reader(message, visitor))
  const images = Array.isArray(message.images)
    ? message.images.flatMap((part) => mapPart(part, { ...visitor, picture: visitor.image }))
    : undefined
  for (const text of argumentsOf(message)) visitor.kept(text)
  const { images: _, ...others } = message
  return {
    ...(images === undefined ? message : others),
    ...(content === undefined ? {} : { content }),
    ...(images === undefined || images.length === 0 ? {} : { images }),
  }
}

/** The result of a tool is data that the model hands on: it is looked at and left alone. */
function reader(message: JsonRecord, visitor: PlaceVisitor): PlaceVisitor {
  if (!FROM_TOOLS.has(roleOf(message))) return visitor
  const text = (text: string) => {
    visitor.kept(text)
    return text
  }
  const picture = (part: JsonRecord, url: string) => {
    visitor.kept(url)
    return [part]
  }
  return { ...visitor, text, picture }
}

const FROM_TOOLS = new Set(['tool', 'function'])

function mapContent(content: unknown, visitor: PlaceVisitor): unknown {
  return Array.isArray(content)
    ? content.flatMap((part) => mapPart(part, visitor))
    : mapText(content, visitor)
}

function mapPart(part: unknown, visitor: PlaceVisitor): unknown[] {
  if (!isRecord(part)) return [mapText(part, visitor)]
  if (isTextPart(part)) return [{ ...part, text: mapText(part.text, visitor) }]
  const url = pictureOf(part)
  return typeof url === 'string' ? visitor.picture(part, url) : [part]
}

function mapText(text: unknown, visitor: PlaceVisitor): unknown {
  if (typeof text === 'string') return visitor.text(text)
  if (!(text instanceof SpooledText)) return text
  return new SpooledText(text.parts.map((part) => (typeof part === 'string' ? visitor.text(part) : part)))
}
