import { sniffType } from '../../../bytes/sniff.ts'
import { Spooled, SpooledText } from '../../../bytes/spooled.ts'
import { type PictureSource, pictureIn, signatureOf } from './picture-source.ts'
import { isRecord, type JsonRecord } from './records.ts'

/** Fields of a message in which models think aloud. */
export const THOUGHT_FIELDS: readonly string[] = ['reasoning_content', 'reasoning']

/** A piece of a message, in the order in which it is to be read. */
export type Source =
  | { type: 'text'; field: string; text: string | SpooledText | Spooled }
  | { type: 'picture'; picture: PictureSource }

export interface MessageSources {
  sources: Source[]
  /** The message without what is in `sources`. */
  rest: JsonRecord
  /** Goes with the pictures that have none of their own. */
  signature: string | undefined
}

/**
 * Reads a `message` or `delta` of any dialect.
 * @param bare whether content that is nothing but base64 is a picture, and not part of one
 */
export function readMessage(message: JsonRecord, bare: boolean): MessageSources {
  const { content, content_blocks: blocks, images, image, ...others } = message
  const rest: Record<string, unknown> = others
  const sources: Source[] = []
  for (const field of THOUGHT_FIELDS) {
    if (!isText(others[field])) continue
    sources.push({ type: 'text', field, text: others[field] })
    delete rest[field]
  }
  const hasContent = content !== undefined && content !== null && content !== ''
  for (const [name, value, read] of [
    ['content', content, (item: unknown) => readContent(item, bare)],
    ['content_blocks', blocks, (item: unknown) => readBlocks(item, hasContent)],
    ['images', images, (item: unknown) => readImages(item)],
    ['image', image, (item: unknown) => readImages(item)],
  ] as const) {
    const found = value === undefined ? undefined : read(value)
    sources.push(...(found?.sources ?? []))
    const left = found === undefined ? value : found.left
    if (left !== undefined) rest[name] = left
  }
  return { sources, rest, signature: signatureOf(message) }
}

/** What was read of a field and what is left of it. */
interface Read {
  sources: Source[]
  left?: unknown
}

function readContent(content: unknown, bare: boolean): Read | undefined {
  if (bare && isBarePicture(content)) return { sources: [asPicture(content)] }
  if (isText(content)) return { sources: [{ type: 'text', field: 'content', text: content }] }
  if (!Array.isArray(content) || content.length === 0) return undefined
  const sources = content.map(readPart)
  const isUnknown = sources.includes(undefined) && !sources.some((source) => source?.type === 'picture')
  return isUnknown ? undefined : { sources: sources.filter((source) => source !== undefined) }
}

/** Portkey says text in `content` as well. Blocks without a picture stay as they are. */
function readBlocks(blocks: unknown, hasContent: boolean): Read | undefined {
  if (!Array.isArray(blocks)) return undefined
  const sources = blocks.map(readPart)
  if (!sources.some((source) => source?.type === 'picture')) return undefined
  const wanted = sources.filter((source) => source?.type === 'picture' || !hasContent)
  const left = blocks.filter((_block, index) => sources[index] === undefined)
  return {
    sources: wanted.filter((source) => source !== undefined),
    ...(left.length > 0 ? { left } : {}),
  }
}

function readImages(images: unknown): Read | undefined {
  const list: unknown[] = Array.isArray(images) ? images : [images]
  const pictures = list.map(pictureIn)
  if (!pictures.some((picture) => picture !== undefined))
    return list.length === 0 ? { sources: [] } : undefined
  const left = list.filter((_item, index) => pictures[index] === undefined)
  const sources = pictures
    .filter((picture) => picture !== undefined)
    .map((picture): Source => ({ type: 'picture', picture }))
  return { sources, ...(left.length > 0 ? { left } : {}) }
}

/** A content part; undefined when it is neither text nor a picture. */
function readPart(part: unknown): Source | undefined {
  if (isText(part)) return { type: 'text', field: 'content', text: part }
  if (!isRecord(part)) return undefined
  const text = isRecord(part.text) ? part.text.value : part.text
  if (isText(text)) return { type: 'text', field: 'content', text }
  const isImage = typeof part.type !== 'string' || /image|inline_?data/i.test(part.type)
  const picture = isImage ? pictureIn(part) : undefined
  return picture && { type: 'picture', picture }
}

function isText(value: unknown): value is string | SpooledText | Spooled {
  return typeof value === 'string' || value instanceof SpooledText || value instanceof Spooled
}

/** Base64 of a picture that is all there is. */
function isBarePicture(content: unknown): content is Spooled | string {
  if (content instanceof Spooled) return content.prefix === ''
  if (typeof content !== 'string' || !/^[\w+/-]{200,}=*$/.test(content)) return false
  return sniffType(Buffer.from(content.slice(0, 64), 'base64')) !== undefined
}

function asPicture(source: Spooled | string): Source {
  return { type: 'picture', picture: { source, signature: undefined, isThought: false } }
}
