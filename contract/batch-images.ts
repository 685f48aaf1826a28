import { type TSchema, Type } from 'typebox'

/** The envelope of every good answer of `/api/v1`. */
export const Success = <Data extends TSchema>(data: Data) =>
  Type.Object({ code: Type.Literal(0), message: Type.Literal('success'), data })

export const success = <Data>(data: Data) => ({ code: 0, message: 'success', data }) as const

/** Every bad answer of `/api/v1`. */
export const BatchError = Type.Object({
  code: Type.Integer({ description: 'The HTTP status.' }),
  message: Type.String({ description: 'Chinese, or English for `Accept-Language: en`.' }),
  param: Type.Optional(Type.String({ description: 'The field to blame.' })),
})

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
