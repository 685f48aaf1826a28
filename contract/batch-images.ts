import { Type } from 'typebox'

/** Most pictures of one archive. */
export const MAX_EXPORTED = 10_000

/** Longest thing that is taken for an id, in UTF-16 units. */
export const MAX_ID_LENGTH = 100

const Ids = Type.Array(Type.String({ minLength: 1, maxLength: MAX_ID_LENGTH }), {
  minItems: 1,
  maxItems: MAX_EXPORTED,
})

/** One of the two. */
export const ExportRequest = Type.Object({ imageIds: Type.Optional(Ids), image_ids: Type.Optional(Ids) })
