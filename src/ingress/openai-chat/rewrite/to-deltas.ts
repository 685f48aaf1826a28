import { readBase64 } from '../../../bytes/read-base64.ts'
import type { Spooled } from '../../../bytes/spooled.ts'
import type { KeptPiece } from './answer.ts'
import type { ChatImageFormat } from './options.ts'
import type { JsonRecord } from './records.ts'

/** Characters of text in a delta: as JSON at most six bytes each, which leaves room for the rest of a line. */
const TEXT = 8000

/** Bytes of a file in a delta, 48,000 characters of base64. */
const FILE_BYTES = 36_000

/** The least that a delta may be divided into. */
type Atom = { field: string; text: string; url?: string } | { part: JsonRecord }

/** The pieces as deltas that fit in a line, as few as may be. */
export async function* toDeltas(
  pieces: readonly KeptPiece[],
  format: ChatImageFormat,
): AsyncGenerator<JsonRecord, void> {
  let open: { field: string; text: string; urls: string[] } | undefined
  for await (const atom of atomsOf(pieces, format)) {
    const isApart = 'part' in atom || atom.field !== open?.field || open.text.length + atom.text.length > TEXT
    if (open !== undefined && isApart) {
      yield toDelta(open, format)
      open = undefined
    }
    if ('part' in atom) {
      yield { content: [atom.part] }
      continue
    }
    open ??= { field: atom.field, text: '', urls: [] }
    open.text += atom.text
    if (atom.url !== undefined) open.urls.push(atom.url)
  }
  if (open !== undefined) yield toDelta(open, format)
}

/** A picture as a content part. */
export function toImagePart(url: string): JsonRecord {
  return { type: 'image_url', image_url: { url } }
}

/** What stands around a picture's URL in a text. */
export function markdownOf(place: 'target' | 'inline' | 'alone'): [before: string, after: string] {
  return place === 'target' ? ['', ''] : ['![image](', ')']
}

/** The beginning of a picture's data URL. */
export function dataPrefix(picture: Spooled): string {
  return `data:${picture.mime};base64,`
}

/** A text in pieces of at most `length` UTF-16 units, none of which ends within a character. */
export function* cutText(text: string, length = TEXT): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = at + length
    const isWithin = end < text.length && /[\ud800-\udbff]/.test(text[end - 1] ?? '')
    yield text.slice(at, isWithin ? end - 1 : end)
    at = isWithin ? end - 1 : end
  }
}

async function* atomsOf(pieces: readonly KeptPiece[], format: ChatImageFormat): AsyncGenerator<Atom> {
  for (const piece of pieces) {
    if (piece.type === 'text') {
      for (const text of cutText(piece.text)) yield { field: piece.field, text }
    } else if (piece.type === 'file') yield* fileAtoms(piece.field, piece.file.prefix, piece.file)
    else yield* pictureAtoms(piece, format)
  }
}

async function* pictureAtoms(
  { url, place, file }: KeptPiece & { type: 'picture' },
  format: ChatImageFormat,
): AsyncGenerator<Atom> {
  const [before, after] = markdownOf(place)
  const field = 'content'
  if (format === 'content' && place !== 'target') yield { part: toImagePart(url) }
  else if (format === 'base64' && file !== undefined) {
    if (before !== '') yield { field, text: before }
    yield* fileAtoms(field, dataPrefix(file), file)
    if (after !== '') yield { field, text: after }
  } else yield { field, text: before + url + after, ...(format === 'parts' ? { url } : {}) }
}

async function* fileAtoms(field: string, prefix: string, file: Spooled): AsyncGenerator<Atom> {
  yield { field, text: prefix }
  for await (const text of readBase64(file, FILE_BYTES)) yield { field, text }
}

function toDelta(
  { field, text, urls }: { field: string; text: string; urls: string[] },
  format: ChatImageFormat,
): JsonRecord {
  const isWithImages = format === 'parts' && urls.length > 0
  return { [field]: text, ...(isWithImages ? { images: urls.map(toImagePart) } : {}) }
}
