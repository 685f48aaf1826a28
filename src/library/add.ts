import type { Kysely } from 'kysely'
import type { StoredImage } from '../../contract/image.ts'
import { newId } from '../base/id.ts'
import type { Spooled } from '../bytes/spooled.ts'
import { addToCounters } from '../db/counter.ts'
import type { Schema } from '../db/schema.ts'
import { holdBlob, pictureOf, putBlob } from './blob.ts'
import type { Library } from './library.ts'

/** What is known of a new picture beside its bytes. */
export interface NewImage
  extends Omit<StoredImage, 'id' | 'createdAt' | 'sha256' | 'mime' | 'bytes' | 'width' | 'height'> {
  picture: Spooled
  /** Only where the picture was made elsewhere, long ago. */
  id?: string
  createdAt?: number
}

/**
 * Keeps a picture: first its bytes, durably, then its row, so that no row ever points at nothing.
 * Thumbnails are left to the deriver, which works through new blobs in the background.
 *
 * @param together what is to be written in the same transaction; false where that has put the picture into the trash at once
 */
export async function addImage(
  library: Library,
  image: NewImage,
  together: (query: Kysely<Schema>, image: StoredImage) => Promise<boolean> = async () => true,
): Promise<StoredImage> {
  const { picture, ...facts } = image
  await putBlob(library, picture)
  const { sha256, bytes, mime, width, height } = pictureOf(picture)
  const stored: StoredImage = {
    ...facts,
    id: facts.id ?? newId(),
    sha256,
    mime,
    bytes,
    width,
    height,
    createdAt: facts.createdAt ?? library.clock.now(),
  }
  await library.database.query.transaction().execute(async (query) => {
    const kept = await holdBlob(library, query, picture)
    await query.insertInto('image').values(toRow(stored)).execute()
    const isThere = await together(query, stored)
    const { owner } = stored
    const one = [
      { owner, name: 'images' as const, change: 1 },
      { owner, name: 'image_bytes' as const, change: bytes },
    ]
    const changes = [{ owner, name: 'blob_bytes' as const, change: kept }, ...(isThere ? one : [])]
    await addToCounters(library.database, query, changes)
  })
  library.deriver.wake()
  library.objects?.wake()
  return stored
}

function toRow(image: StoredImage) {
  return {
    id: image.id,
    task_id: image.taskId,
    position: image.position,
    owner: image.owner,
    sha256: image.sha256,
    provider: image.provider,
    model: storable(image.model),
    upstream_model: storable(image.upstreamModel),
    prompt: storable(image.prompt),
    sent_prompt: image.sentPrompt === undefined ? null : storable(image.sentPrompt),
    revised_prompt: image.revisedPrompt === undefined ? null : storable(image.revisedPrompt),
    seed: image.seed ?? null,
    width: image.width,
    height: image.height,
    bytes: image.bytes,
    mime: image.mime,
    signature: image.signature ?? null,
    details: JSON.stringify(image.details),
    parent_id: null,
    parent_kind: null,
    created_at: image.createdAt,
    deleted_at: null,
  }
}

/** PostgreSQL's text takes every character but NUL, and a picture that is paid for must not be lost over one. */
const storable = (text: string): string => text.replaceAll('\0', '')
