import { type Static, Type } from 'typebox'
import { MAX_EXPORTED, MAX_ID_LENGTH } from './batch-images.ts'

/*
 * The pictures of everyone, for the admin.
 */

export const AdminImage = Type.Object({
  id: Type.String(),
  filename: Type.String(),
  prompt: Type.String(),
  revised_prompt: Type.Union([Type.String(), Type.Null()]),
  model: Type.String(),
  provider: Type.String(),
  /** Id of the key that asked for it. */
  owner: Type.String(),
  task_id: Type.String(),
  /** Ms since the epoch. */
  created_at: Type.Integer(),
  /** Bytes. */
  file_size: Type.Integer(),
  /** Pixels. */
  width: Type.Integer(),
  height: Type.Integer(),
  mime_type: Type.String(),
  url: Type.String(),
  thumbnail_url: Type.String(),
})
export type AdminImage = Static<typeof AdminImage>

export const LatestQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 50 })),
})
export type LatestQuery = Static<typeof LatestQuery>

export const LatestImages = Type.Object({
  images: Type.Array(AdminImage),
  count: Type.Integer({ description: 'In this answer.' }),
  total: Type.Integer({ description: 'In all.' }),
})

/** Without the one character that PostgreSQL cannot compare. */
const pattern = '^[^\\u0000]*$'

/** Ms since the epoch. */
const time = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

export const AdminImagesQuery = Type.Object({
  page: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 })),
  page_size: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(
    Type.String({
      description: 'The `next_cursor` of the page before; goes before `page`, and is as fast anywhere.',
    }),
  ),
  model: Type.Optional(Type.String({ maxLength: 255, pattern })),
  owner: Type.Optional(Type.String({ maxLength: 64, pattern, description: 'Id of a key.' })),
  start_date: Type.Optional(time),
  end_date: Type.Optional(Type.Integer({ ...time, description: 'Until then, included.' })),
})
export type AdminImagesQuery = Static<typeof AdminImagesQuery>

export const AdminImagesPage = Type.Object({
  images: Type.Array(AdminImage),
  total: Type.Integer(),
  page: Type.Integer(),
  page_size: Type.Integer(),
  total_pages: Type.Integer(),
  /** Of the next page; absent on the last one. */
  next_cursor: Type.Optional(Type.String()),
})

export const DeleteImages = Type.Object({
  image_ids: Type.Array(Type.String({ minLength: 1, maxLength: MAX_ID_LENGTH }), {
    minItems: 1,
    maxItems: MAX_EXPORTED,
  }),
  delete_type: Type.Optional(
    Type.Enum(['local', 'r2', 'all'], {
      description: 'Where from; absent: `all`. Without object storage, `local` is all that there is.',
    }),
  ),
})
export type DeleteImages = Static<typeof DeleteImages>

export const DeletedImages = Type.Object({
  deleted: Type.Integer(),
  failed: Type.Integer({ description: 'Ids that are no pictures, or that were deleted before.' }),
  total: Type.Integer(),
})
