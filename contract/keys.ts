import { type Static, Type } from 'typebox'

/*
 * API keys and usage under `/admin`. Times in ms since the epoch. Unknown fields are ignored.
 */

/**
 * A field that null clears. One type with two names, because of alternatives the first would take null for 0.
 */
const clearable = <Value>(schema: Record<string, unknown> & { type: string }, description: string) =>
  Type.Optional(Type.Unsafe<Value | null>({ ...schema, type: [schema.type, 'null'], description }))

/** Largest limit; far beyond what anybody draws. */
const MOST = 1_000_000_000
const limit = { type: 'integer', minimum: 1, maximum: MOST }

const Name = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: '\\S',
  description: 'What the key is for.',
})

const choices = {
  enabled: clearable<boolean>({ type: 'boolean' }, 'Whether the key opens anything; default true.'),
  daily_limit: clearable<number>(limit, 'Most pictures in a calendar day.'),
  monthly_limit: clearable<number>(limit, 'Most pictures in a calendar month.'),
  rpm: clearable<number>(
    { ...limit, maximum: 100_000 },
    'Most requests in a minute, those that only read not counted.',
  ),
  models: clearable<string[]>(
    { type: 'array', items: { type: 'string', minLength: 1, maxLength: 255 }, minItems: 1, maxItems: 200 },
    'The models that may be asked for; null for all.',
  ),
  expires_at: Type.Optional(
    Type.Unsafe<number | string | null>({
      type: ['integer', 'string', 'null'],
      description: 'When the key ends: ms since the epoch, or a date as in 2027-01-31T00:00:00Z.',
    }),
  ),
  account_pool: clearable<string>(
    { type: 'string', minLength: 1, maxLength: 255 },
    'The upstream accounts that may be used; null for all.',
  ),
  images_format: Type.Optional(
    Type.Unsafe<'url' | 'b64_json' | null>({
      enum: ['url', 'b64_json', null],
      description: 'The form of pictures for requests that name no `response_format`.',
    }),
  ),
  note: clearable<string>({ type: 'string', maxLength: 4000 }, 'For yourself.'),
}

export const NewKeyRequest = Type.Object({ name: Name, ...choices })
export type NewKeyRequest = Static<typeof NewKeyRequest>

/** What is absent stays as it is. */
export const KeyRequest = Type.Object({ name: Type.Optional(Name), ...choices })
export type KeyRequest = Static<typeof KeyRequest>

const orNull = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) =>
  Type.Union([schema, Type.Null()])

const keyFields = {
  id: Type.String(),
  key: Type.String({ description: 'Its beginning and end; all of it only in the answer that creates it.' }),
  name: Type.String(),
  enabled: Type.Boolean(),
  daily_limit: orNull(Type.Integer()),
  monthly_limit: orNull(Type.Integer()),
  rpm: orNull(Type.Integer()),
  models: orNull(Type.Array(Type.String())),
  expires_at: orNull(Type.Integer()),
  account_pool: orNull(Type.String()),
  images_format: orNull(Type.String()),
  note: orNull(Type.String()),
  created_at: Type.Integer(),
  updated_at: orNull(Type.Integer()),
  last_used_at: orNull(Type.Integer()),
  used_today: Type.Integer({ description: 'Pictures, those that are still being drawn included.' }),
  used_this_month: Type.Integer(),
}

export const KeyReply = Type.Object(keyFields)
export type KeyReply = Static<typeof KeyReply>

/** An answer that also says what was done. */
export const KeyChanged = Type.Object({ success: Type.Boolean(), message: Type.String(), ...keyFields })

export const KeyList = Type.Object({
  keys: Type.Array(KeyReply),
  next: orNull(Type.String({ description: '`before` of the next page; null at the end.' })),
})

export const Done = Type.Object({ success: Type.Boolean(), message: Type.String() })

/** Figures of a group. */
const figures = {
  requests: Type.Integer(),
  pictures: Type.Integer(),
  errors: Type.Integer({ description: 'Requests that failed.' }),
  input_tokens: Type.Integer(),
  output_tokens: Type.Integer(),
  latency_ms: orNull(Type.Integer({ description: 'Of a request on average; null without requests.' })),
  cost_usd: orNull(
    Type.Number({ description: 'What is known to have been spent; null where nothing is known.' }),
  ),
  unpriced: Type.Integer({
    description: 'Pictures, and chats without any, whose price is not known; they are not in `cost_usd`.',
  }),
}

export const UsageReply = Type.Object({
  from: Type.String(),
  to: Type.String(),
  group: Type.String(),
  rows: Type.Array(
    Type.Object({
      group: Type.String({
        description: 'The day, or the name of the model or provider, or the id of the key.',
      }),
      name: Type.Optional(
        orNull(Type.String({ description: 'Of a key; null of one that is gone or not stored.' })),
      ),
      ...figures,
    }),
  ),
  total: Type.Object(figures),
})
export type UsageReply = Static<typeof UsageReply>

export const KeyStats = Type.Object({
  total_keys: Type.Integer(),
  active_keys: Type.Integer(),
  disabled_keys: Type.Integer(),
  expired_keys: Type.Integer(),
  today: Type.Object(figures),
  this_month: Type.Object(figures),
})
export type KeyStats = Static<typeof KeyStats>
