import { checkPicture } from '../../bytes/check-picture.ts'
import { createDeltaText } from '../../bytes/delta-text.ts'
import { spoolBase64 } from '../../bytes/spool-base64.ts'
import { Spooled } from '../../bytes/spooled.ts'
import type { CallContext, ImageEvent } from '../provider.ts'
import { fieldsOf } from '../read-reply.ts'
import { noPicture, type Said } from './no-picture.ts'
import { type Part, partsOf, remarksOf } from './parts.ts'
import { usageOf } from './usage.ts'

/** An answer that comes in one or many pieces. */
export interface Answer {
  take(piece: unknown): AsyncIterable<ImageEvent>
  /** @throws ProviderError when no picture came; BytesError when one could not be read */
  end(): AsyncIterable<ImageEvent>
}

/** The longest text that is kept for an error message. */
const MAX_TEXT = 1000

/** @param previews how many drafts may be shown */
export function createAnswer({ spool, account }: CallContext, previews: number): Answer {
  // Relays write pictures into the text, as markdown with a data URL.
  const words = createDeltaText(spool)
  let finished = 0
  let shown = 0
  let metadata: unknown
  let said: Said = { ratings: [], text: '' }
  let failure: unknown

  async function* take(piece: unknown): AsyncIterable<ImageEvent> {
    const fields = fieldsOf(piece)
    metadata = fields.usageMetadata ?? fields.usage_metadata ?? metadata
    const remarks = remarksOf(piece)
    said = { ...said, ...remarks, ratings: [...said.ratings, ...remarks.ratings] }
    for (const part of partsOf(piece)) {
      if (part.data !== undefined) yield* takePicture(part)
      else if (part.text !== undefined && !part.isThought) yield* takeText(await words.push(part.text))
    }
  }

  async function* takePicture({ data, isThought, signature }: Part): AsyncIterable<ImageEvent> {
    if (isThought && shown >= previews) return
    const picture = await readPicture(data)
    if (picture === undefined) return
    if (isThought) yield { type: 'partial', index: 0, picture, partialIndex: shown++ }
    else
      yield { type: 'image', index: finished++, picture, ...(signature === undefined ? {} : { signature }) }
  }

  /** A picture that cannot be read does not lose the others: its error comes after them. */
  async function readPicture(data: unknown): Promise<Spooled | undefined> {
    try {
      const picture = typeof data === 'string' ? await spoolBase64(data, spool) : data
      if (!(picture instanceof Spooled)) return undefined
      checkPicture(picture)
      return picture
    } catch (error) {
      failure ??= error
      return undefined
    }
  }

  async function* takeText(pieces: readonly (string | Spooled)[]): AsyncIterable<ImageEvent> {
    for (const piece of pieces) {
      if (piece instanceof Spooled) yield* takePicture({ data: piece, isThought: false })
      else if (piece !== '') {
        said = { ...said, text: (said.text + piece).slice(0, MAX_TEXT) }
        yield { type: 'text', text: piece }
      }
    }
  }

  async function* end(): AsyncIterable<ImageEvent> {
    yield* takeText(await words.end())
    const usage = usageOf(metadata)
    if (usage !== undefined) yield { type: 'usage', usage }
    if (failure !== undefined) throw failure
    if (finished === 0) throw noPicture(said, account.secret)
  }

  return { take, end }
}
