import { sql } from 'kysely'
import type { StoredImage } from '../../contract/image.ts'
import { idsFrom } from '../base/id.ts'
import { readCounter } from '../db/counter.ts'
import { fromRow } from './find.ts'
import type { Library } from './library.ts'

/** Which pictures are meant; absent fields mean all. */
export interface ImageFilter {
  owner?: string | undefined
  /** Public name. */
  model?: string | undefined
  /** Made at this time or later, and before that one, in ms since the epoch. */
  from?: number | undefined
  until?: number | undefined
}

/** A part of the pictures, newest first: from a place on, or those before an id, which is as fast anywhere. */
export interface ImageRange {
  filter?: ImageFilter
  limit: number
  offset?: number | undefined
  before?: string | undefined
}

/** The pictures of a range, whoever owns them, those in the trash left out. */
export async function listImages(
  library: Library,
  { filter = {}, limit, offset = 0, before }: ImageRange,
): Promise<StoredImage[]> {
  const all = filtered(library, filter)
  const range = before === undefined ? all.offset(offset) : all.where('id', '<', before)
  const rows = await range.selectAll().orderBy('id', 'desc').limit(limit).execute()
  return rows.map(fromRow)
}

/** How many there are; a kept count where nothing but the owner is asked for. */
export async function countImages(library: Library, filter: ImageFilter = {}): Promise<number> {
  const { owner, model, from, until } = filter
  if (model === undefined && from === undefined && until === undefined)
    return readCounter(library.database.query, { owner, name: 'images' })
  const { count } = await filtered(library, filter)
    .select(sql<number>`count(*)`.as('count'))
    .executeTakeFirstOrThrow()
  return count
}

function filtered({ database }: Library, { owner, model, from, until }: ImageFilter) {
  let query = database.query.selectFrom('image').where('deleted_at', 'is', null)
  if (owner !== undefined) query = query.where('owner', '=', owner)
  if (model !== undefined) query = query.where('model', '=', model)
  if (from !== undefined) query = query.where('id', '>=', idsFrom(from))
  if (until !== undefined) query = query.where('id', '<', idsFrom(until))
  return query
}
