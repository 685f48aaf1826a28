import { type Static, Type } from 'typebox'
import { ASPECT_RATIOS, IMAGE_SIZES, MAX_PROMPT_LENGTH } from './job.ts'

/*
 * Batch tasks and history under `/api/v1`, as an existing front end speaks them. Unknown fields are ignored.
 */

/** Most pictures of one batch. */
export const MAX_BATCH = 100

/** Limits of the pictures that a batch may be given: how many, bytes of each, bytes of all. */
export const BATCH_REFERENCES = { files: 10, bytes: 20 * 1024 * 1024, allBytes: 80 * 1024 * 1024 }

const key = {
  apiKey: Type.Optional(
    Type.String({
      maxLength: 1000,
      description: 'Your own key for the upstream, kept encrypted until the task ends, then erased.',
    }),
  ),
  apiBase: Type.Optional(
    Type.String({ maxLength: 2000, description: 'Where that key is good, if not at the usual address.' }),
  ),
}

export const BatchRequest = Type.Object({
  prompt: Type.String({ minLength: 1, maxLength: MAX_PROMPT_LENGTH }),
  model: Type.String({ minLength: 1, maxLength: 255 }),
  count: Type.Integer({ minimum: 1, maximum: MAX_BATCH, description: 'How many pictures.' }),
  ...key,
  aspectRatio: Type.Optional(Type.Enum([...ASPECT_RATIOS])),
  imageSize: Type.Optional(Type.Enum([...IMAGE_SIZES])),
  options: Type.Optional(
    Type.String({
      maxLength: 16_384,
      description:
        'An object as JSON, for the generation config of the upstream: `{"temperature":0.8,"seed":7}`.',
    }),
  ),
})
export type BatchRequest = Static<typeof BatchRequest>

/** Which key a task is run again with, where it had the caller's own. */
export const RetryRequest = Type.Object(key)
export type RetryRequest = Static<typeof RetryRequest>

export const BatchImage = Type.Object({
  id: Type.String(),
  taskId: Type.String(),
  filePath: Type.String(),
  thumbnailPath: Type.String(),
  /** Bytes. */
  fileSize: Type.Integer(),
  /** Pixels. */
  width: Type.Integer(),
  height: Type.Integer(),
  mimeType: Type.String(),
  /** ISO 8601, UTC. */
  createdAt: Type.String(),
  url: Type.String(),
  thumbnailUrl: Type.String(),
})
export type BatchImage = Static<typeof BatchImage>

export const BATCH_STATUSES = ['processing', 'completed', 'failed', 'partial', 'cancelled'] as const

export const BatchTask = Type.Object({
  id: Type.String(),
  prompt: Type.String(),
  model: Type.String(),
  totalCount: Type.Integer(),
  completedCount: Type.Integer(),
  status: Type.Enum([...BATCH_STATUSES]),
  /** A JSON object. */
  options: Type.String(),
  /** Empty when there is nothing to say. */
  errorMessage: Type.String(),
  createdAt: Type.String(),
  updatedAt: Type.String(),
  images: Type.Array(BatchImage),
})
export type BatchTask = Static<typeof BatchTask>

/** What goes to the listeners of a task, as JSON text frames. */
export interface BatchMessage {
  type: 'progress' | 'complete' | 'error'
  taskId: string
  completedCount: number
  totalCount: number
  latestImage: BatchImage | null
  message: string
}

/** Codes with which the socket of a task is closed. */
export const BATCH_CLOSE = {
  done: 1000,
  goingAway: 1001,
  fault: 1011,
  tooMany: 1013,
  unknownTask: 4404,
} as const

const paging = {
  page: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 })),
  pageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 10 })),
}

export const HistoryQuery = Type.Object({
  ...paging,
  cursor: Type.Optional(
    Type.String({
      description: 'The `nextCursor` of the page before; goes before `page`, and is as fast anywhere.',
    }),
  ),
})
export type HistoryQuery = Static<typeof HistoryQuery>

export const SearchQuery = Type.Object({
  ...paging,
  keyword: Type.Optional(Type.String({ maxLength: MAX_PROMPT_LENGTH })),
})
export type SearchQuery = Static<typeof SearchQuery>

export const HistoryPage = Type.Object({
  list: Type.Array(BatchTask),
  total: Type.Integer(),
  page: Type.Integer(),
  pageSize: Type.Integer(),
  /** Of the next page; absent on the last one. */
  nextCursor: Type.Optional(Type.String()),
  keyword: Type.Optional(Type.String()),
})

/** The body of every successful reply with a body of ours. */
export const envelope = <Data extends Parameters<typeof Type.Object>[0][string]>(data: Data) =>
  Type.Object({ code: Type.Literal(0), message: Type.Literal('success'), data })

export const BatchError = Type.Object({
  /** HTTP status. */
  code: Type.Integer(),
  message: Type.String(),
  /** The field to blame. */
  param: Type.Optional(Type.String()),
  /** What is wrong with it. */
  detail: Type.Optional(Type.String()),
})
