import { Spooled, SpooledText } from '../../../bytes/spooled.ts'
import { withPrefix } from '../../../bytes/write-json.ts'
import type { KeptPiece } from './answer.ts'
import type { ChatImageFormat } from './options.ts'
import type { JsonRecord } from './records.ts'
import { dataPrefix, markdownOf, toImagePart } from './to-deltas.ts'

/**
 * The pieces as a whole message, with the fields of `rest`. Where there is a picture, `<think>…</think>` goes:
 * what relays put there is progress.
 */
export function toMessage(
  pieces: readonly KeptPiece[],
  rest: JsonRecord,
  format: ChatImageFormat,
): JsonRecord {
  const pictures = pieces.filter((piece) => piece.type === 'picture')
  const message: Record<string, unknown> = { ...rest }
  for (const field of fieldsOf(pieces)) {
    const said = pieces.filter((piece) => fieldOf(piece) === field)
    const shown = field === 'content' && pictures.length > 0 ? withoutThoughts(said) : said
    const isList = field === 'content' && pictures.length > 0 && format === 'content'
    message[field] = isList ? toParts(shown) : toText(shown, format)
  }
  const urls = [...new Set(pictures.map(({ url }) => url))]
  if (format === 'parts' && urls.length > 0) message.images = urls.map(toImagePart)
  return message
}

function fieldsOf(pieces: readonly KeptPiece[]): Set<string> {
  return new Set(pieces.map(fieldOf))
}

function fieldOf(piece: KeptPiece): string {
  return piece.type === 'picture' ? 'content' : piece.field
}

function withoutThoughts(pieces: readonly KeptPiece[]): KeptPiece[] {
  const [first, ...others] = pieces.filter((piece) => piece.type === 'picture' || !piece.thought)
  if (first === undefined) return []
  const isCut = first !== pieces[0] && first.type === 'text'
  return [isCut ? { ...first, text: first.text.trimStart() } : first, ...others]
}

function toText(pieces: readonly KeptPiece[], format: ChatImageFormat): string | SpooledText {
  const parts: (string | Spooled)[] = []
  for (const part of pieces.flatMap((piece) => partsOf(piece, format))) {
    const last = parts.at(-1)
    if (typeof part === 'string' && typeof last === 'string') parts[parts.length - 1] = last + part
    else parts.push(part)
  }
  return parts.some((part) => part instanceof Spooled) ? new SpooledText(parts) : parts.join('')
}

function partsOf(piece: KeptPiece, format: ChatImageFormat): (string | Spooled)[] {
  if (piece.type === 'text') return [piece.text]
  if (piece.type === 'file') return [piece.file]
  const [before, after] = markdownOf(piece.place)
  const isData = format === 'base64' && piece.file !== undefined
  const target = isData && piece.file ? withPrefix(piece.file, dataPrefix(piece.file)) : piece.url
  return [before, target, after]
}

/** Text and pictures by turns. */
function toParts(pieces: readonly KeptPiece[]): JsonRecord[] {
  const parts: JsonRecord[] = []
  let text: KeptPiece[] = []
  const endText = () => {
    const said = toText(text, 'content')
    if (typeof said !== 'string' || said.trim() !== '') parts.push({ type: 'text', text: said })
    text = []
  }
  for (const piece of pieces) {
    if (piece.type !== 'picture' || piece.place === 'target') text.push(piece)
    else {
      endText()
      parts.push(toImagePart(piece.url))
    }
  }
  endText()
  return parts
}
