import { readFile } from 'node:fs/promises'
import { type ForeignImage, readRecord } from './record.ts'

/** The records of a source, and how many could not be read. */
export interface ForeignImages {
  images: Iterable<ForeignImage>
  unreadable(): number
}

/**
 * Reads a gallery's `image_metadata.json`: a list of records, a map from ids to records, or either of them under `images`.
 *
 * @throws where it is not JSON
 */
export async function readGallery(path: string): Promise<ForeignImages> {
  const text = await readFile(path, 'utf8')
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (cause) {
    throw new Error(`${path} is not JSON`, { cause })
  }
  return readAll(recordsIn(document))
}

/** Reads records one at a time; those that name no file are counted. */
export function readAll(records: Iterable<[key: string | undefined, record: unknown]>): ForeignImages {
  let unreadable = 0
  function* images(): Generator<ForeignImage> {
    for (const [key, record] of records) {
      const image = readRecord(record, key)
      if (image) yield image
      else unreadable += 1
    }
  }
  return { images: images(), unreadable: () => unreadable }
}

/** Entries of a list or a map, also where they stand one level deeper. */
export function recordsIn(document: unknown, under = 'images'): [string | undefined, unknown][] {
  if (Array.isArray(document)) return document.map((record) => [undefined, record])
  if (typeof document !== 'object' || document === null) return []
  const inner = (document as Record<string, unknown>)[under]
  if (typeof inner === 'object' && inner !== null) return recordsIn(inner, '')
  return Object.entries(document)
}
