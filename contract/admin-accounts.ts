import { type Static, Type } from 'typebox'
import { AccountState } from './admin-status.ts'

/*
 * The keys and tokens of the upstreams under `/admin/sso`. They come in, and are never shown again but masked.
 */

const MAX_TOKENS = 1000
const token = Type.String({ minLength: 1, maxLength: 10_000 })

export const AddAccounts = Type.Object({
  tokens: Type.Array(token, { minItems: 1, maxItems: MAX_TOKENS }),
  provider: Type.Optional(
    Type.String({ minLength: 1, maxLength: 64, description: 'Absent: the upstream that takes SSO tokens.' }),
  ),
  pool: Type.Optional(
    Type.String({ minLength: 1, maxLength: 64, description: 'For keys that are bound to it.' }),
  ),
  weight: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
  priority: Type.Optional(Type.Integer({ minimum: -1000, maximum: 1000 })),
  daily_limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description: 'Pictures a day; absent: no limit of its own.',
    }),
  ),
})
export type AddAccounts = Static<typeof AddAccounts>

/** By id, by token, or both. */
export const RemoveAccounts = Type.Object({
  ids: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: MAX_TOKENS })),
  tokens: Type.Optional(Type.Array(token, { maxItems: MAX_TOKENS })),
})
export type RemoveAccounts = Static<typeof RemoveAccounts>

export const AccountRecord = Type.Intersect([
  AccountState,
  Type.Object({
    provider: Type.String(),
    pool: Type.Union([Type.String(), Type.Null()]),
    weight: Type.Integer(),
    priority: Type.Integer(),
    daily_limit: Type.Union([Type.Integer(), Type.Null()]),
    /** `env`, `file` or `admin`. */
    source: Type.String(),
  }),
])
export type AccountRecord = Static<typeof AccountRecord>

export const AccountList = Type.Object({
  success: Type.Literal(true),
  count: Type.Integer(),
  keys: Type.Array(AccountRecord),
})
