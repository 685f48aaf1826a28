import { type Selectable, sql } from 'kysely'
import type { StoredImage } from '../../contract/image.ts'
import { isId } from '../base/id.ts'
import { chunked } from '../db/chunked.ts'
import type { ImageTable } from '../db/schema.ts'
import type { Library } from './library.ts'

/** One picture by its id; undefined when there is none or it is in the trash. */
export async function findImage(library: Library, id: string): Promise<StoredImage | undefined> {
  if (!isId(id)) return undefined
  const row = await library.database.query
    .selectFrom('image')
    .selectAll()
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row && fromRow(row)
}

/** The pictures of a task in their order. */
export async function imagesOfTask(library: Library, taskId: string): Promise<StoredImage[]> {
  const rows = await library.database.query
    .selectFrom('image')
    .selectAll()
    .where('task_id', '=', taskId)
    .where('deleted_at', 'is', null)
    .orderBy('position')
    .limit(1000)
    .execute()
  return rows.map(fromRow)
}

/** The pictures of several tasks in their order, by task; a task without pictures is absent. */
export async function imagesOfTasks(
  library: Library,
  taskIds: readonly string[],
): Promise<Map<string, StoredImage[]>> {
  const images = new Map<string, StoredImage[]>()
  for (const some of chunked(taskIds)) {
    const rows = await library.database.query
      .selectFrom('image')
      .selectAll()
      .where('task_id', 'in', some)
      .where('deleted_at', 'is', null)
      .orderBy('position')
      .execute()
    for (const row of rows) images.set(row.task_id, [...(images.get(row.task_id) ?? []), fromRow(row)])
  }
  return images
}

/** What an upstream wants back with pictures that it drew for this owner, by their sha256; see `StoredImage.signature`. */
export async function findSignatures(
  library: Library,
  owner: string,
  hashes: readonly string[],
): Promise<Map<string, string>> {
  const rows = await library.database.query
    .selectFrom('image')
    .select(['sha256', 'signature'])
    .where('sha256', 'in', hashes)
    .where('owner', '=', owner)
    .where('signature', 'is not', null)
    .where('deleted_at', 'is', null)
    .orderBy('id')
    .limit(1000)
    .execute()
  return new Map(rows.flatMap(({ sha256, signature }) => (signature === null ? [] : [[sha256, signature]])))
}

/** Those of the pictures that are this owner's, in no order; for some hundred ids at a time. */
export async function ownedImages(
  library: Library,
  owner: string,
  ids: readonly string[],
): Promise<StoredImage[]> {
  const possible = ids.filter(isId)
  if (possible.length === 0) return []
  const rows = await library.database.query
    .selectFrom('image')
    .selectAll()
    .where('id', 'in', possible)
    .where('owner', '=', owner)
    .where('deleted_at', 'is', null)
    .execute()
  return rows.map(fromRow)
}

/** How many of these different ids are pictures of this owner. */
export async function countOwned(library: Library, owner: string, ids: readonly string[]): Promise<number> {
  let count = 0
  for (const some of chunked(ids.filter(isId))) {
    const row = await library.database.query
      .selectFrom('image')
      .select(sql<number>`count(*)`.as('count'))
      .where('id', 'in', some)
      .where('owner', '=', owner)
      .where('deleted_at', 'is', null)
      .executeTakeFirstOrThrow()
    count += row.count
  }
  return count
}

/** The newest pictures of everyone, for the admin's eyes. */
export async function latestImages(library: Library, limit: number): Promise<StoredImage[]> {
  const rows = await library.database.query
    .selectFrom('image')
    .selectAll()
    .where('deleted_at', 'is', null)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  return rows.map(fromRow)
}

/** A row as a picture. */
export function fromRow(row: Selectable<ImageTable>): StoredImage {
  return {
    id: row.id,
    taskId: row.task_id,
    position: row.position,
    owner: row.owner,
    sha256: row.sha256,
    mime: row.mime,
    bytes: row.bytes,
    width: row.width,
    height: row.height,
    provider: row.provider,
    model: row.model,
    upstreamModel: row.upstream_model,
    prompt: row.prompt,
    sentPrompt: row.sent_prompt ?? undefined,
    revisedPrompt: row.revised_prompt ?? undefined,
    seed: row.seed ?? undefined,
    signature: row.signature ?? undefined,
    details: row.details ? JSON.parse(row.details) : {},
    createdAt: row.created_at,
  }
}
